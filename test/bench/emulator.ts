import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { AllCounters } from "../../src/emulator/control.ts";
import { createKubernetesClient, type KubernetesClient } from "../../src/emulator/kubernetes-client.ts";
import type { EmulatorSettings } from "../../src/emulator/settings.ts";
import type { Processes } from "./processes.ts";

/** How often the parts of the cloud were asked. */
export interface Requests {
  readonly vault: number;
  readonly token: number;
  readonly apiServer: number;
  /** Of those at the API server: reads of SecretProviderClasses, and whatever is no read. */
  readonly classReads: number;
  readonly apiWrites: number;
}

/** The emulator, which is a process of its own. */
export interface Cloud {
  readonly dir: string;
  readonly settings: EmulatorSettings;
  readonly cluster: KubernetesClient;
  setSecret(name: string, value: string): Promise<void>;
  /** Gives the plugin the rights that it needs to write Secrets. */
  allowSecretSync(): Promise<void>;
  /** What was asked while the work was done. */
  requestsOf(work: () => Promise<unknown>): Promise<Requests>;
}

/** Starts an emulator that keeps its files in `dir`, answering after a round trip of `rttMs`. */
export async function startEmulator(processes: Processes, dir: string, rttMs: number): Promise<Cloud> {
  const command = [process.execPath, "src/emulator/main.ts", "--any-port", "--dir", dir, "--rtt", String(rttMs)];
  await processes.start(command, () => Promise.resolve(existsSync(join(dir, "emulator.json"))));
  return openEmulator(dir);
}

/** An emulator that runs already. */
export async function openEmulator(dir: string): Promise<Cloud> {
  const settings = JSON.parse(await readFile(join(dir, "emulator.json"), "utf8")) as EmulatorSettings;
  const { kubernetesUrl: url, adminToken: token, controlUrl } = settings;
  const ca = await readFile(join(dir, "ca.pem"), "utf8");
  const control = (method: string, path: string, body?: string): Promise<Response> =>
    ask(method, `${controlUrl}${path}`, body);
  return {
    dir,
    settings,
    cluster: createKubernetesClient({ url, ca, token }),
    setSecret: async (name, value) => {
      await control("PUT", `/vaults/demo-vault/secrets/${name}`, value);
    },
    allowSecretSync: async () => {
      await control("PUT", "/kubernetes/secret-sync");
    },
    requestsOf: async (work) => {
      await control("POST", "/reset");
      await work();
      return requestsIn((await (await control("GET", "/counters")).json()) as AllCounters);
    },
  };
}

async function ask(method: string, url: string, body?: string): Promise<Response> {
  const response = await fetch(url, { method, ...(body !== undefined && { body }) });
  if (!response.ok) throw new Error(`the emulator answered ${response.status} to ${method} ${new URL(url).pathname}`);
  return response;
}

/** Of the emulator's counters. A challenge of the vault is a request too: it costs a round trip. */
export function requestsIn({ vaults, entra, kubernetes }: AllCounters): Requests {
  const vault = Object.values(vaults).reduce((sum, one) => sum + one.requests + one.challenges, 0);
  const atApiServer = (what: RegExp): number =>
    Object.entries(kubernetes.answers).reduce((sum, [answer, times]) => (what.test(answer) ? sum + times : sum), 0);
  return {
    vault,
    token: entra.requests,
    apiServer: kubernetes.requests,
    classReads: atApiServer(/^GET .*\/secretproviderclasses\//),
    apiWrites: atApiServer(/^(?!GET )/),
  };
}
