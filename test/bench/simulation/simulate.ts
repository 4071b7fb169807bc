import type { PublishRequest } from "../../../src/model.ts";
import { playAzure, type AzureCounts } from "./azure.ts";
import { playKubernetes, type KubernetesCounts } from "./kubernetes.ts";
import { playNode, type PlayedNode } from "./node.ts";
import type { Settings } from "./settings.ts";
import { playTime } from "./time.ts";

const RTT_MS = 10;
/** Pods of a cluster do not all start at the same moment: a roll-out takes a while. */
const START_MS = 60_000;

/** What was asked in a part of the story. */
export interface Asked {
  readonly seconds: number;
  readonly azure: AzureCounts;
  readonly kubernetes: KubernetesCounts;
}

export interface Story {
  readonly starting: Asked;
  readonly rotating: Asked;
  /** At the end, of the whole cluster. */
  readonly oldestMs: number;
}

/** A cluster starts its pods, then lives on unchanged for some intervals. Everything is in this one process. */
export async function simulate(settings: Settings): Promise<Story> {
  const { nodes: nodeCount, intervalMs, intervals, limit } = settings;
  using time = playTime();
  const azure = playAzure({ limit, rttMs: RTT_MS });
  const kubernetes = playKubernetes(classesOf(settings));
  const nodes = Array.from({ length: nodeCount }, (_, index) =>
    playNode(`node-${index}`, intervalMs, { azure, kubernetes }),
  );
  const counted = async (ms: number): Promise<Asked> => {
    Object.assign(azure.counts, { vaultRequests: 0, refused: 0, tokenRequests: 0, peak: 0 });
    Object.assign(kubernetes.counts, { reads: 0, writes: 0 });
    await time.pass(ms);
    return { seconds: ms / 1000, azure: { ...azure.counts }, kubernetes: { ...kubernetes.counts } };
  };
  startPods(nodes, settings);
  const starting = await counted(START_MS);
  // The first passes find volumes that have just been mounted.
  await time.pass(intervalMs);
  keepRepublishing(nodes);
  const rotating = await counted(intervals * intervalMs);
  return { starting, rotating, oldestMs: Math.max(...nodes.map((node) => node.oldestMs())) };
}

function classesOf({ classes, objects, vaults }: Settings): ReadonlyMap<string, object> {
  const objectsOf = (index: number): string =>
    JSON.stringify({
      array: Array.from({ length: objects }, (_, n) =>
        JSON.stringify({ objectName: `class-${index}-secret-${n}`, objectType: "secret" }),
      ),
    });
  return new Map(
    Array.from({ length: classes }, (_, index) => {
      const parameters = { keyvaultName: `vault-${index % vaults}`, tenantId: "t", objects: objectsOf(index) };
      return [`class-${index}`, { provider: "azure", parameters }];
    }),
  );
}

/** Pods of a class are spread over the nodes, as the scheduler does it. */
function startPods(nodes: readonly PlayedNode[], { pods, classes }: Settings): void {
  for (let index = 0; index < pods; index += 1) {
    const node = nodes[index % nodes.length];
    const request = requestOf(index, `class-${Math.floor((index * classes) / pods)}`);
    setTimeout(() => void node?.start(request), Math.random() * START_MS);
  }
}

function requestOf(index: number, className: string): PublishRequest {
  const uid = `pod-${index}`;
  const kubeletRoot = "/var/lib/kubelet";
  const targetPath = `${kubeletRoot}/pods/${uid}/volumes/kubernetes.io~csi/secrets/mount`;
  const pod = { namespace: "default", name: uid, uid };
  const secrets = { clientid: "application", clientsecret: "a secret" };
  return {
    volume: { id: uid, targetPath, kubeletRoot, pod, className },
    attributes: {},
    credentials: { secrets },
  };
}

/** Kubelet does so every 60 to 90 s; more often than credentials are overdue is all that counts here. */
function keepRepublishing(nodes: readonly PlayedNode[]): void {
  setTimeout(() => {
    for (const node of nodes) void node.republish();
    keepRepublishing(nodes);
  }, 5 * 60_000);
}
