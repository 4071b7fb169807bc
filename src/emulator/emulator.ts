import { join } from "node:path";
import { openAuthority } from "./ca.ts";
import { createControl, type Parts } from "./control.ts";
import { createEntra } from "./entra.ts";
import { createKubernetes } from "./kubernetes.ts";
import { createKubernetesClient, type KubernetesClient } from "./kubernetes-client.ts";
import { listen, type Handler, type Listener } from "./listener.ts";
import { openIdentities, writeSettings, type EmulatorSettings, type Identities } from "./settings.ts";
import { openSigningKey, type SigningKey } from "./signing-key.ts";
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
}

/** Vaults, token service and Kubernetes API, listening on 127.0.0.1. */
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
  const serve = async (part: PartName, handler: Handler): Promise<Listener | undefined> =>
    wanted.includes(part) ? listen(handler, { port: options.ports[part], identity }) : undefined;

  const entra = createEntra(entraKey);
  const entraListener = await serve("entra", entra.handler);
  const entraUrl = `https://login.localhost:${entraListener?.port ?? options.ports.entra}`;
  const vaults = createVaults({ entraKey, entraUrl });
  const kubernetes = createKubernetes({ plugin: identities.pluginToken, admin: identities.adminToken });
  const parts = { entra, vaults, kubernetes };
  register(parts, identities);
  const vaultListener = await serve("vault", vaults.handler);
  const kubernetesListener = await serve("kubernetes", kubernetes.handler);
  const control = await listen(createControl(parts), { port: 0 });

  const settings: EmulatorSettings = {
    ...identities,
    entraUrl,
    vaultSuffix: `vault.localhost:${vaultListener?.port ?? options.ports.vault}`,
    kubernetesUrl: `https://127.0.0.1:${kubernetesListener?.port ?? options.ports.kubernetes}`,
    controlUrl: `http://127.0.0.1:${control.port}`,
  };
  await writeSettings(dir, settings);
  const listeners = [entraListener, vaultListener, kubernetesListener, control];
  return {
    ...parts,
    settings,
    serviceAccountKey,
    cluster: createKubernetesClient({ url: settings.kubernetesUrl, ca: authority.pem, token: identities.adminToken }),
    stop: async () => void (await Promise.all(listeners.map((listener) => listener?.stop()))),
  };
}

function register({ entra, vaults }: Parts, { tenantId, demo, admin }: Identities): void {
  for (const app of [demo, admin]) entra.register({ tenantId, ...app });
  for (const name of vaultNames) vaults.create(name, tenantId).allow(admin.objectId, allRights);
  vaults.named("demo-vault").allow(demo.objectId, getRights);
}
