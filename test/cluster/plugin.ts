import { cluster } from "./cluster.ts";
import { kubectl, list, type Pod } from "./kubectl.ts";
import { releaseNamespace } from "./release.ts";
import { parseRights, readMetrics } from "./rights.ts";

/** The plugin's pod; the tests' pods run where it runs. */
export async function pluginPod(): Promise<Pod> {
  const [found] = await list<Pod>("pods", "-n", releaseNamespace, "-l", "app=secrets-store-csi-driver");
  if (found === undefined) throw new Error("no plugin runs");
  return found;
}

/** Waits until kubelet calls the plugin's container ready. */
export async function pluginIsReady(): Promise<void> {
  const pod = ["pod", "-n", releaseNamespace, "-l", "app=secrets-store-csi-driver"];
  await kubectl("wait", "--for=condition=Ready", ...pod, "--timeout=180s");
}

export async function pluginLog(): Promise<readonly string[]> {
  const text = await kubectl("logs", "-n", releaseNamespace, "-l", "app=secrets-store-csi-driver", "--tail=-1");
  return text.split("\n");
}

/** How often a right was used since the plugin started. */
export async function timesUsed(right: string): Promise<number> {
  const text = await readMetrics(cluster.proxyPort, (await pluginPod()).metadata.name);
  return parseRights(text).get(right) ?? 0;
}

/** Milliseconds of each NodePublishVolume that the log tells, in order. */
export function publishDurations(log: readonly string[]): readonly number[] {
  return log.flatMap((line) => {
    const found = /"gRPC call" method="\/csi\.v1\.Node\/NodePublishVolume" durationMs=(\d+)/.exec(line);
    return found === null ? [] : [Number(found[1])];
  });
}

export interface ContainerMemory {
  readonly time: string;
  readonly workingSetBytes: number;
  readonly rssBytes: number;
}

interface NodeStats {
  readonly pods: readonly {
    readonly podRef: { readonly name: string };
    readonly containers: readonly { readonly name: string; readonly memory: ContainerMemory }[];
  }[];
}

/** The container's memory as kubelet sees it. */
export async function containerMemory(): Promise<ContainerMemory | undefined> {
  const { metadata, spec } = await pluginPod();
  const stats = JSON.parse(
    await kubectl("get", "--raw", `/api/v1/nodes/${spec.nodeName}/proxy/stats/summary`),
  ) as NodeStats;
  const found = stats.pods.find(({ podRef }) => podRef.name === metadata.name);
  return found?.containers.find(({ name }) => name === "secrets-store")?.memory;
}
