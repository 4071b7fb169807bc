import { inject } from "vitest";
import type { AllCounters } from "../../src/emulator/control.ts";
import type { Fault } from "../../src/emulator/fault.ts";
import type { Counters } from "../../src/emulator/tally.ts";

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

/** A vault, from the side of its owner. */
export interface Vault {
  readonly name: string;
  set(secret: string, value: string): Promise<void>;
  /** Gives an application, by its service principal, the right to get secrets. */
  letRead(application: { readonly objectId: string }): Promise<void>;
  /** Every answer comes so much later. */
  delay(milliseconds: number): Promise<void>;
  /** From now on it fails so, until it behaves again. */
  misbehave(fault: Fault): Promise<void>;
  behave(): Promise<void>;
  /** What it was asked since the reset. */
  counters(): Promise<Counters>;
}

/** A vault of the emulator. */
export function vaultNamed(name: string): Vault {
  const path = `/vaults/${name}`;
  return {
    name,
    set: (secret, value) => control("PUT", `${path}/secrets/${secret}`, value),
    letRead: ({ objectId }) => control("PUT", `${path}/access/${objectId}`, JSON.stringify({ secrets: ["get"] })),
    delay: (milliseconds) => control("POST", `${path}/latency/${milliseconds}`),
    misbehave: (fault) => control("POST", `${path}/faults`, JSON.stringify(fault)),
    behave: () => control("DELETE", `${path}/faults`),
    counters: async () => {
      const found = (await counters()).vaults[name];
      if (found === undefined) throw new Error(`the emulator has no vault ${name}`);
      return found;
    },
  };
}

/** The vault that most tests read. */
export const vault = vaultNamed("demo-vault");

/** What Azure was asked since the reset. */
export async function counters(): Promise<AllCounters> {
  return (await (await fetch(`${cluster.controlUrl}/counters`)).json()) as AllCounters;
}

/** Forgets what was asked; what is on its way stays. */
export function resetCounters(): Promise<void> {
  return control("POST", "/reset");
}

/** Steers the emulator. */
export async function control(method: string, path: string, body?: string): Promise<void> {
  const response = await fetch(`${cluster.controlUrl}${path}`, { method, ...(body !== undefined && { body }) });
  if (!response.ok) throw new Error(`the emulator answered ${response.status} to ${method} ${path}`);
}
