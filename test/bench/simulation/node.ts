import { parseNodeFlags } from "../../../src/commands/node-flags.ts";
import { startUpkeep } from "../../../src/commands/node-upkeep.ts";
import { createClasses } from "../../../src/kube/classes.ts";
import { createPodStatuses } from "../../../src/kube/pod-statuses.ts";
import type { PublishRequest } from "../../../src/model.ts";
import type { Metrics } from "../../../src/ports.ts";
import { createAzureProvider } from "../../../src/provider/azure/provider.ts";
import { createVaults } from "../../../src/provider/azure/vaults.ts";
import { createTimerSchedule } from "../../../src/schedule/timer.ts";
import { publishVolume } from "../../../src/volume/publish.ts";
import type { VolumePorts } from "../../../src/volume/volume-ports.ts";
import { nmiNowhere, tokenProxyNowhere } from "../../fakes/azure-means.ts";
import { createCoreWorld } from "../../fakes/volumes.ts";
import type { PlayedAzure } from "./azure.ts";
import type { PlayedKubernetes } from "./kubernetes.ts";

/** Our own scheduling and sharing, over a node whose disk, API server and Azure are played. */
export interface PlayedNode {
  /** Kubelet's call, tried until it succeeds. */
  start(request: PublishRequest): Promise<void>;
  /** Kubelet hands credentials over again. */
  republish(): Promise<void>;
  /** How long ago the content of the volume that waits longest was known to be the vault's. */
  oldestMs(): number;
}

const forever = new AbortController().signal;
const clock = (): Date => new Date();
const elapsed = (): number => Date.now();

/** Rotation is on; `intervalMs` apart. */
export function playNode(
  nodeName: string,
  intervalMs: number,
  { azure, kubernetes }: { readonly azure: PlayedAzure; readonly kubernetes: PlayedKubernetes },
): PlayedNode {
  const { ports: fakes, log } = createCoreWorld();
  const metrics = silent;
  const cluster = { api: kubernetes.api, metrics };
  const openVault = createVaults({
    holderOf: azure.holderOf,
    requestTimeoutMs: 10_000,
    clock,
    elapsed,
    random: Math.random,
    metrics,
  });
  const provider = createAzureProvider({
    openVault,
    metrics,
    userAgent: "",
    nmiUrl: nmiNowhere,
    tokenProxy: tokenProxyNowhere,
  });
  const ports: VolumePorts = {
    ...fakes,
    metrics,
    events: { record: () => undefined },
    classes: createClasses(cluster, clock),
    statuses: createPodStatuses(cluster),
    providers: { named: () => provider, writesIntoTarget: () => false },
    clock,
    elapsed,
    nodeName,
  };
  const flags = ["--enable-secret-rotation", `--rotation-poll-interval=${intervalMs}ms`, `--nodeid=${nodeName}`];
  startUpkeep(parseNodeFlags(flags).values, ports, createTimerSchedule(log));
  const requests: PublishRequest[] = [];
  return {
    start: async (request) => {
      requests.push(request);
      await untilPublished(request, ports);
    },
    republish: async () => {
      for (const request of requests) await untilPublished(request, ports);
    },
    oldestMs: () => Math.max(0, ...ports.volumes.all().map(({ freshAt }) => Date.now() - freshAt.getTime())),
  };
}

/** Kubelet waits half a second at first, and twice as long each time, up to 2 min 2 s. */
async function untilPublished(request: PublishRequest, ports: VolumePorts, pauseMs = 500): Promise<void> {
  const deadline = new Date(Date.now() + 120_000);
  try {
    await publishVolume(request, ports, { signal: forever, deadline });
  } catch {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    await untilPublished(request, ports, Math.min(pauseMs * 2, 122_000));
  }
}

const nothing = (): void => undefined;
const silent: Metrics = {
  kubernetesRequest: nothing,
  published: nothing,
  unpublished: nothing,
  rotated: nothing,
  secretSynced: nothing,
  vaultRequest: nothing,
  watchVaults: nothing,
  rotatesEvery: nothing,
  watchAges: nothing,
};
