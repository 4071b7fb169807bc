import { inject } from "vitest";
import type { AllCounters } from "../../src/emulator/control.ts";

/** What setup.ts made, for the tests. */
export interface TestCluster {
  /** Files of this run: kubeconfig, values, rights that were seen. */
  readonly dir: string;
  readonly controlUrl: string;
  readonly tenantId: string;
  readonly demo: { readonly clientId: string; readonly clientSecret: string };
  /** Port of `kubectl proxy`. */
  readonly proxyPort: number;
}

declare module "vitest" {
  interface ProvidedContext {
    cluster: TestCluster;
  }
}

export const cluster: TestCluster = inject("cluster");

/** The vault that the tests read, from the side of its owner. */
export const vault = {
  set: (secret: string, value: string): Promise<void> => control("PUT", `/vaults/demo-vault/secrets/${secret}`, value),
  /** Every answer comes so much later. */
  delay: (milliseconds: number): Promise<void> => control("POST", `/vaults/demo-vault/latency/${milliseconds}`),
  /** Forgets what was asked; what is on its way stays. */
  reset: (): Promise<void> => control("POST", "/reset"),
  /** The most requests at one time since the reset. */
  peakInFlight: async (): Promise<number> => {
    const counters = (await (await fetch(`${cluster.controlUrl}/counters`)).json()) as AllCounters;
    return counters.vaults["demo-vault"]?.peakInFlight ?? 0;
  },
};

async function control(method: string, path: string, body?: string): Promise<void> {
  const response = await fetch(`${cluster.controlUrl}${path}`, { method, ...(body !== undefined && { body }) });
  if (!response.ok) throw new Error(`the emulator answered ${response.status} to ${method} ${path}`);
}
