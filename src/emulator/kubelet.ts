import { createHash, randomUUID } from "node:crypto";
import { mkdir, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createClient, type CsiClient } from "../grpc/client.ts";
import { clusterIssuer } from "./cluster-identity.ts";
import type { KubernetesClient } from "./kubernetes-client.ts";
import type { KubernetesObject } from "./kubernetes/objects.ts";
import type { SigningKey } from "./signing-key.ts";

/** A stand-in for kubelet: does for a pod's inline volumes what kubelet 1.35 does, and nothing else of kubelet's work. */
export interface Kubelet {
  /**
   * Publishes every volume of the pod (`NAME` or `NAMESPACE/NAME`); rejects with the plugin's gRPC error. A republish is
   * the same call.
   */
  publish(podName: string, limits?: PublishLimits): Promise<readonly string[]>;
  /** Also of a pod that was published here and has been deleted since. */
  unpublish(podName: string): Promise<void>;
  /** Directories of the pod's volumes. */
  targets(podName: string): Promise<readonly string[]>;
}

/** How long a publish may take, and what ends it early. */
export interface PublishLimits {
  readonly signal?: AbortSignal;
  readonly deadlineMs?: number;
}

/** Whom this kubelet serves, and where its directories are. */
export interface KubeletOptions {
  readonly socketPath: string;
  readonly root: string;
  readonly cluster: KubernetesClient;
  readonly signingKey: SigningKey;
  readonly driverName?: string;
  /** Where service account tokens go: the secrets field (serviceAccountTokenInSecrets, 1.35 and later) or the context. */
  readonly tokensIn?: "secrets" | "context" | "none";
  /** What the tokens are for (the CSIDriver's tokenRequests); by default workload identity and identity binding. */
  readonly audiences?: readonly string[];
  /** How long a token is good for; 3600 by default, as with kubelet. Each publish gets new ones. */
  readonly tokenLifetimeS?: number;
}

interface CsiVolume {
  readonly name: string;
  readonly csi: {
    readonly driver: string;
    readonly readOnly?: boolean;
    readonly volumeAttributes?: Readonly<Record<string, string>>;
    readonly nodePublishSecretRef?: { readonly name: string };
  };
}

interface PodSpec {
  readonly serviceAccountName?: string;
  readonly securityContext?: { readonly fsGroup?: number };
  readonly volumes?: readonly (CsiVolume | { readonly name: string; readonly csi?: undefined })[];
}

const TOKENS = "csi.storage.k8s.io/serviceAccount.tokens";
const defaultAudiences = ["api://AzureADTokenExchange", "api://AKSIdentityBinding"];
/** CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, UNAVAILABLE: kubelet keeps the directory and asks again. */
const notFinal = new Set([1, 4, 8, 10, 14]);

/** A kubelet that has no volumes yet. */
export function createKubelet(options: KubeletOptions): Kubelet {
  const { cluster, root, driverName = "secrets-store.csi.k8s.io" } = options;

  const published = new Map<string, KubernetesObject>();

  async function podNamed(podName: string): Promise<{ pod: KubernetesObject; volumes: readonly CsiVolume[] }> {
    const [name = "", namespace = "default"] = podName.split("/").toReversed();
    const pod = (await cluster.get({ plural: "pods", namespace, name })) ?? published.get(podName);
    if (pod === undefined) throw new Error(`there is no pod ${podName} in the emulated cluster`);
    const { volumes = [] } = pod["spec"] as PodSpec;
    return { pod, volumes: volumes.filter((volume): volume is CsiVolume => volume.csi?.driver === driverName) };
  }
  const targetOf = (pod: KubernetesObject, volume: CsiVolume): string =>
    join(root, "pods", pod.metadata.uid ?? "", "volumes/kubernetes.io~csi", volume.name, "mount");

  return {
    targets: async (name) => {
      const { pod, volumes } = await podNamed(name);
      return volumes.map((volume) => targetOf(pod, volume));
    },
    publish: async (name, limits = {}) => {
      const { pod, volumes } = await podNamed(name);
      published.set(name, pod);
      for (const volume of volumes)
        await publishVolume(options, pod, { ...volume, target: targetOf(pod, volume) }, limits);
      return volumes.map((volume) => targetOf(pod, volume));
    },
    unpublish: async (name) => {
      const { pod, volumes } = await podNamed(name);
      for (const volume of volumes) {
        const target = targetOf(pod, volume);
        const volumeId = volumeIdOf(pod, volume);
        await withClient(options.socketPath, ({ node }) => node.nodeUnpublishVolume({ volumeId, targetPath: target }));
        // Not the target: removing that is the plugin's duty, and one that forgot it should be found out.
        await rmdir(dirname(target)).catch(() => undefined);
      }
      published.delete(name);
    },
  };
}

async function publishVolume(
  options: KubeletOptions,
  pod: KubernetesObject,
  volume: CsiVolume & { readonly target: string },
  limits: PublishLimits,
): Promise<void> {
  const { csi, target } = volume;
  const { securityContext } = pod["spec"] as PodSpec;
  // Kubelet asks twice, each time on a connection of its own: for staging, and for VOLUME_MOUNT_GROUP.
  await capabilities(options.socketPath);
  const takesGroup = (await capabilities(options.socketPath)).includes("VOLUME_MOUNT_GROUP");
  const group = takesGroup ? securityContext?.fsGroup : undefined;
  const tokens = await tokensFor(pod, options);
  await mkdir(dirname(target), { recursive: true, mode: 0o750 });
  const request = {
    volumeId: volumeIdOf(pod, volume),
    targetPath: target,
    readonly: csi.readOnly ?? false,
    volumeCapability: {
      mount: { ...(group !== undefined && { volumeMountGroup: String(group) }) },
      accessMode: { mode: "SINGLE_NODE_WRITER" as const },
    },
    secrets: { ...(await secretsFor(pod, volume, options)), ...(options.tokensIn === "secrets" && tokens) },
    volumeContext: { ...csi.volumeAttributes, ...podInfo(pod), ...(options.tokensIn === "context" && tokens) },
  };
  try {
    await withClient(options.socketPath, ({ node }) => node.nodePublishVolume(request, limits));
  } catch (error) {
    if (!notFinal.has((error as { code?: number }).code ?? 2)) await rmdir(target).catch(() => undefined);
    throw error;
  }
}

async function capabilities(socketPath: string): Promise<readonly string[]> {
  const answer = await withClient(socketPath, ({ node }) => node.nodeGetCapabilities());
  return answer.capabilities.map(({ rpc }) => String(rpc?.type));
}

async function withClient<T>(socketPath: string, call: (client: CsiClient) => Promise<T>): Promise<T> {
  const client = createClient(socketPath);
  try {
    return await call(client);
  } finally {
    client.close();
  }
}

function volumeIdOf(pod: KubernetesObject, volume: CsiVolume): string {
  return `csi-${createHash("sha256")
    .update(`${pod.metadata.uid ?? ""}${volume.name}`)
    .digest("hex")}`;
}

function podInfo({ metadata, spec }: KubernetesObject): Record<string, string> {
  return {
    "csi.storage.k8s.io/pod.name": metadata.name,
    "csi.storage.k8s.io/pod.namespace": metadata.namespace,
    "csi.storage.k8s.io/pod.uid": metadata.uid ?? "",
    "csi.storage.k8s.io/serviceAccount.name": (spec as PodSpec).serviceAccountName ?? "default",
    "csi.storage.k8s.io/ephemeral": "true",
  };
}

async function secretsFor(
  pod: KubernetesObject,
  { csi }: CsiVolume,
  { cluster }: KubeletOptions,
): Promise<Record<string, string>> {
  if (csi.nodePublishSecretRef === undefined) return {};
  const { namespace } = pod.metadata;
  const secret = await cluster.get({ plural: "secrets", namespace, name: csi.nodePublishSecretRef.name });
  if (secret === undefined)
    throw new Error(`fetching NodePublishSecretRef ${namespace}/${csi.nodePublishSecretRef.name} failed: not found`);
  const data = Object.entries((secret["data"] ?? {}) as Record<string, string>);
  return Object.fromEntries(data.map(([key, value]) => [key, Buffer.from(value, "base64").toString()]));
}

async function tokensFor(pod: KubernetesObject, options: KubeletOptions): Promise<Record<string, string>> {
  const { name, namespace, uid } = pod.metadata;
  const account = (pod["spec"] as PodSpec).serviceAccountName ?? "default";
  const { audiences = defaultAudiences, tokenLifetimeS = 3600 } = options;
  const now = Math.floor(Date.now() / 1000);
  const exp = now + tokenLifetimeS;
  const entries = audiences.map(async (aud) => {
    const claims = {
      aud: [aud],
      sub: `system:serviceaccount:${namespace}:${account}`,
      iss: clusterIssuer,
    };
    const bound = { "kubernetes.io": { namespace, pod: { name, uid }, serviceaccount: { name: account } } };
    const token = await options.signingKey.sign({
      ...claims,
      ...bound,
      iat: now,
      nbf: now,
      exp,
      jti: randomUUID(),
    });
    return [aud, { token, expirationTimestamp: new Date(exp * 1000).toISOString() }] as const;
  });
  return { [TOKENS]: JSON.stringify(Object.fromEntries(await Promise.all(entries))) };
}
