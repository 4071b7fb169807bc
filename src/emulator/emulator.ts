import { apiServerNames, tokenProxyName } from "./cluster-identity.ts";
import { createControl, type Parts } from "./control.ts";
import { createEntra } from "./entra.ts";
import { createDirectory } from "./entra/directory.ts";
import { createKubernetesClient, type KubernetesClient } from "./kubernetes-client.ts";
import type { Handler, ListenOptions } from "./listener.ts";
import { createListeners, type Listeners } from "./listeners.ts";
import type { Network } from "./network.ts";
import { createParts, near, openKept, type Kept } from "./parts.ts";
import { publicCloud, publicLogin } from "./public-cloud.ts";
import { writeSettings, type EmulatorSettings } from "./settings.ts";
import type { SigningKey } from "./signing-key.ts";

export type PartName = "entra" | "vault" | "kubernetes";

export interface EmulatorOptions {
  /** Where keys, CA and addresses are kept. */
  readonly dir: string;
  /** Port 0 takes any free one. */
  readonly ports: Readonly<Record<PartName, number>>;
  /** Which parts listen; all by default. What gives tokens on a node always does. */
  readonly parts?: readonly PartName[];
  /** Address on which token service and vaults are also served by the names of Azure's public cloud, on port 443. */
  readonly publicAddress?: string;
  /** How far away clients are, in milliseconds: every answer costs one round trip, a new connection two more. 0 by default. */
  readonly rttMs?: number;
}

/** Vaults, token service, Kubernetes API with its token proxy, and what gives tokens on a node. */
export interface Emulator extends Parts {
  readonly settings: EmulatorSettings;
  readonly cluster: KubernetesClient;
  /** Signs service account tokens. */
  readonly serviceAccountKey: SigningKey;
  stop(): Promise<void>;
}

/** Starts to listen with one part, unless others were wanted; gives its port. */
type Serve = (part: PartName, handler: Handler, options: Omit<ListenOptions, "port">) => Promise<number>;

export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const { dir, publicAddress, parts: wanted = ["entra", "vault", "kubernetes"] } = options;
  const kept = await openKept(dir);
  const { authority, identities, serviceAccountKey } = kept;
  const network: Network = { rttMs: options.rttMs ?? 0 };
  const listeners = createListeners();
  const serve: Serve = (part, handler, tls) =>
    wanted.includes(part)
      ? listeners.add(handler, { ...tls, port: options.ports[part] })
      : Promise.resolve(options.ports[part]);

  const directory = createDirectory();
  const entra = createEntra(kept.entraKey, directory, network);
  const names = ["login.localhost", "*.vault.localhost", "localhost", "127.0.0.1"];
  const azure = { identity: await authority.issue(names), network };
  const entraUrl = `https://login.localhost:${await serve("entra", entra.handler, azure)}`;
  const login = { entra, url: entraUrl, isPublic: publicAddress !== undefined, directory, network };
  const parts = await createParts(kept, login);
  const settings: EmulatorSettings = {
    ...identities,
    entraUrl,
    vaultSuffix: `vault.localhost:${await serve("vault", parts.vaults.handler, azure)}`,
    ...(await serveCluster(parts, kept, serve)),
    ...(await serveNode(parts, listeners)),
  };
  if (publicAddress !== undefined)
    await listeners.add(publicCloud(entra.handler, parts.vaults.handler), {
      port: 443,
      address: publicAddress,
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

/** The API server, and behind its port the token proxy. */
async function serveCluster(
  { kubernetes, tokenProxy }: Parts,
  { authority, identities: { clusterId } }: Kept,
  serve: Serve,
): Promise<Pick<EmulatorSettings, "kubernetesUrl" | "tokenProxyName">> {
  const identity = await authority.issue(apiServerNames(clusterId));
  const port = await serve("kubernetes", kubernetes.handler, { identity, named: tokenProxy.server, network: near });
  return { kubernetesUrl: `https://127.0.0.1:${port}`, tokenProxyName: tokenProxyName(clusterId) };
}

/** What speaks plain HTTP, each at a port of its own. */
async function serveNode(
  parts: Parts,
  listeners: Listeners,
): Promise<Pick<EmulatorSettings, "imdsUrl" | "nmiUrl" | "controlUrl">> {
  const urlOf = async (handler: Handler): Promise<string> =>
    `http://127.0.0.1:${await listeners.add(handler, { port: 0 })}`;
  return {
    imdsUrl: await urlOf(parts.imds.handler),
    nmiUrl: await urlOf(parts.nmi.handler),
    controlUrl: await urlOf(createControl(parts)),
  };
}
