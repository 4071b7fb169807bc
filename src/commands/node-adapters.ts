import { dirname } from "node:path";
import { createVolumeFiles } from "../files/volume-files.ts";
import { createKubernetesApi } from "../kube/api.ts";
import type { Cluster } from "../kube/ask.ts";
import { createClasses } from "../kube/classes.ts";
import { createEvents, type EventSender } from "../kube/events.ts";
import { createNodes } from "../kube/nodes.ts";
import { createPodStatuses } from "../kube/pod-statuses.ts";
import { createPods } from "../kube/pods.ts";
import { createSecrets } from "../kube/secrets.ts";
import { createMetrics, type MetricsRegistry } from "../metrics/metrics.ts";
import type { Logger } from "../log.ts";
import { loadKernel } from "../mount/kernel.ts";
import { socketPathOf } from "../grpc/endpoint.ts";
import { createMounter } from "../mount/mounter.ts";
import { hasNoswap } from "../mount/tmpfs.ts";
import type { Mounter, Nodes } from "../ports.ts";
import { createPfxFiles } from "../provider/azure/pfx-files.ts";
import { maxFiles } from "../volume/payload.ts";
import type { VolumePorts } from "../volume/volume-ports.ts";
import { userAgentOf } from "./azure-options.ts";
import { clusterAccess } from "./cluster-access.ts";
import { connectAzure } from "./node-azure.ts";
import type { NodeFlags } from "./node-flags.ts";
import { createNodeProviders, type NodeProviders } from "./node-providers.ts";

/** The ports of the node that touch the world outside the process. */
export type NodeAdapters = Pick<
  VolumePorts,
  "classes" | "statuses" | "pods" | "secrets" | "pfx" | "mounter" | "files"
> & {
  readonly metrics: MetricsRegistry;
  readonly events: EventSender;
  readonly providers: NodeProviders;
  readonly nodes: Nodes;
};

const clock = (): Date => new Date();

/** Connects the real adapters. Nothing is asked of cluster or vault yet. */
export async function createNodeAdapters(flags: NodeFlags, env: NodeJS.ProcessEnv, log: Logger): Promise<NodeAdapters> {
  const userAgent = userAgentOf();
  const metrics = createMetrics({ objectNames: flags["metrics-object-names"] });
  const cluster: Cluster = { api: createKubernetesApi(await clusterAccess(flags.kubeconfig, env), userAgent), metrics };
  const azure = await connectAzure(flags, env, { metrics, log });
  return {
    metrics,
    ...connectCluster(cluster, flags, log),
    pfx: createPfxFiles({ wantsChain: flags["construct-pem-chain"], clock }),
    providers: createNodeProviders({ azure }, flags, log),
    mounter: await connectMounter(dirname(socketPathOf(flags.endpoint)), flags["max-call-recv-msg-size"]),
    files: createVolumeFiles({ maxContentBytes: flags["max-call-recv-msg-size"] }),
  };
}

type ClusterAdapters = Pick<NodeAdapters, "classes" | "statuses" | "pods" | "secrets" | "events" | "nodes">;

function connectCluster(cluster: Cluster, { nodeid }: NodeFlags, log: Logger): ClusterAdapters {
  return {
    classes: createClasses(cluster, clock),
    statuses: createPodStatuses(cluster),
    pods: createPods(cluster),
    secrets: createSecrets(cluster),
    nodes: createNodes(cluster),
    events: createEvents(cluster, { nodeName: nodeid, clock, log }),
  };
}

/** The trial mount stands beside the socket: the one directory that is surely writable. */
async function connectMounter(pluginDir: string, contentBytes: number): Promise<Mounter> {
  const kernel = await loadKernel();
  const capacity = { contentBytes, files: maxFiles };
  return createMounter({ kernel, capacity, noswap: hasNoswap(kernel, pluginDir) });
}
