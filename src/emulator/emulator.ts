import { join } from "node:path";
import { openAuthority } from "./ca.ts";
import { createControl, type Parts } from "./control.ts";
import { createEntra } from "./entra.ts";
import { createKubernetes } from "./kubernetes.ts";
import { createKubernetesClient, type KubernetesClient } from "./kubernetes-client.ts";
import { listen, type Handler, type Listener, type ListenOptions } from "./listener.ts";
import type { Network } from "./network.ts";
import { openIdentities, writeSettings, type EmulatorSettings, type Identities } from "./settings.ts";
import { openSigningKey, type SigningKey } from "./signing-key.ts";
import { isPublicVault, publicCloud, publicLogin } from "./public-cloud.ts";
import { createVaults } from "./vault.ts";
import { allRights, getRights } from "./vault/access.ts";

export type PartName = "entra" | "vault" | "kubernetes";

export interface EmulatorOptions {
  /** Where keys, CA and addresses are kept. */
  readonly dir: string;
  /** Port 0 takes any free one. */
  readonly ports: Readonly<Record<PartName, number>>;
  /** Which parts listen; all by default. */
  readonly parts?: readonly PartName[];
  /** Address on which token service and vaults are also served by the names of Azure's public cloud, on port 443. */
  readonly publicAddress?: string;
  /** How far away clients are, in milliseconds: every answer costs one round trip, a new connection two more. 0 by default. */
  readonly rttMs?: number;
}

/** Vaults, token service and Kubernetes API. */
export interface Emulator extends Parts {
  readonly settings: EmulatorSettings;
  readonly cluster: KubernetesClient;
  /** Signs service account tokens. */
  readonly serviceAccountKey: SigningKey;
  stop(): Promise<void>;
}

/** The vaults that exist from the start (host names: hosts.json). */
const vaultNames = ["demo-vault", "other-vault", "third-vault"];

export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const { dir, parts: wanted = ["entra", "vault", "kubernetes"] } = options;
  const authority = await openAuthority(dir);
  const identities = await openIdentities(dir);
  const entraKey = await openSigningKey(join(dir, "entra-key.json"));
  const serviceAccountKey = await openSigningKey(join(dir, "service-account-key.json"));
  const identity = await authority.issue(["login.localhost", "*.vault.localhost", "localhost", "127.0.0.1"]);
  const network: Network = { rttMs: options.rttMs ?? 0 };
  // Azure is far away, a node's API server is not.
  const near: Network = { rttMs: 0 };
  const listeners = createListeners();
  const serve = (part: PartName, handler: Handler): Promise<number> =>
    wanted.includes(part)
      ? listeners.add(handler, { port: options.ports[part], identity, network: part === "kubernetes" ? near : network })
      : Promise.resolve(options.ports[part]);

  const entra = createEntra(entraKey, network);
  const entraUrl = `https://login.localhost:${await serve("entra", entra.handler)}`;
  const authorityOf = (host: string): string => (isPublicVault(host) ? `https://${publicLogin}` : entraUrl);
  const vaults = createVaults({ entraKey, authorityOf, network });
  const kubernetes = createKubernetes({ plugin: identities.pluginToken, admin: identities.adminToken });
  const parts = { entra, vaults, kubernetes, network };
  register(parts, identities);

  const settings: EmulatorSettings = {
    ...identities,
    entraUrl,
    vaultSuffix: `vault.localhost:${await serve("vault", vaults.handler)}`,
    kubernetesUrl: `https://127.0.0.1:${await serve("kubernetes", kubernetes.handler)}`,
    controlUrl: `http://127.0.0.1:${await listeners.add(createControl(parts), { port: 0 })}`,
  };
  if (options.publicAddress !== undefined)
    await listeners.add(publicCloud(entra.handler, vaults.handler), {
      port: 443,
      address: options.publicAddress,
      identity: await authority.issue([publicLogin, "*.vault.azure.net"]),
      network,
    });
  await writeSettings(dir, settings);
  return {
    ...parts,
    settings,
    serviceAccountKey,
    cluster: createKubernetesClient({ url: settings.kubernetesUrl, ca: authority.pem, token: identities.adminToken }),
    stop: listeners.stop,
  };
}

/** Listeners that stop together: all of them when one cannot start, so that nothing is left half open. */
function createListeners(): { add(handler: Handler, options: ListenOptions): Promise<number>; stop(): Promise<void> } {
  const started: Listener[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((listener) => listener.stop()));
  };
  return {
    add: async (handler, options) => {
      try {
        const listener = await listen(handler, options);
        started.push(listener);
        return listener.port;
      } catch (error) {
        await stop();
        throw error;
      }
    },
    stop,
  };
}

function register({ entra, vaults }: Parts, { tenantId, demo, admin }: Identities): void {
  for (const app of [demo, admin]) entra.register({ tenantId, ...app });
  for (const name of vaultNames) vaults.create(name, tenantId).allow(admin.objectId, allRights);
  vaults.named("demo-vault").allow(demo.objectId, getRights);
}
