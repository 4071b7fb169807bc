import type { Routes } from "../health/http.ts";
import { createKubernetesApi } from "../kube/api.ts";
import { createObjectEvents } from "../kube/object-events.ts";
import { createObjects } from "../kube/objects.ts";
import { createWatches } from "../kube/watches.ts";
import type { Logger } from "../log.ts";
import { createReconcilerMetrics, type ReconcilerMetrics } from "../metrics/reconcile.ts";
import type { Objects, Watches } from "../release-ports.ts";
import { createHealer } from "../reconcile/healer.ts";
import { createTimerSchedule } from "../schedule/timer.ts";
import { userAgentOf } from "./azure-options.ts";
import { clusterAccess } from "./cluster-access.ts";
import { serveProbes } from "./node-probes.ts";
import type { ReconcileFlags } from "./reconcile-flags.ts";
import type { Running } from "./serving.ts";
import type { Cluster } from "../kube/ask.ts";

/** One watch for each object, and requests beside them. */
const MOST_CONNECTIONS = 200;
const TICK_MS = 1_000;
/** A look at all objects takes seconds; one that has taken so long will not end. */
const STUCK_MS = 600_000;

/** What the reconciler works with. */
export interface ReconcilerMeans {
  readonly cluster: Cluster;
  readonly objects: Objects;
  readonly watches: Watches;
  readonly metrics: ReconcilerMetrics;
}

/** Connects the cluster. Nothing is asked of it yet. */
export async function connectReconciler(flags: ReconcileFlags, env: NodeJS.ProcessEnv): Promise<ReconcilerMeans> {
  const access = await clusterAccess(flags.kubeconfig, env, { mostConnections: MOST_CONNECTIONS });
  const userAgent = userAgentOf();
  const metrics = createReconcilerMetrics();
  const cluster = { api: createKubernetesApi(access, userAgent), metrics };
  return { cluster, metrics, objects: createObjects(cluster), watches: createWatches({ access, cluster, userAgent }) };
}

/** Stopped in reverse order: what is being restored is ended first. */
export async function startReconciler(flags: ReconcileFlags, means: ReconcilerMeans, log: Logger): Promise<Running> {
  const { cluster, metrics, objects, watches } = means;
  const clock = (): Date => new Date();
  const elapsed = (): number => performance.now();
  await using started = new AsyncDisposableStack();
  const stopped = new AbortController();
  const events = createObjectEvents(cluster, { clock, log, signal: stopped.signal });
  const healer = createHealer({ objects, watches, events, metrics, log, clock, elapsed }, flags.namespace);
  let lookedAt: number | undefined;
  const isStuck = (): boolean => elapsed() - (lookedAt ?? 0) > STUCK_MS;
  const probes = await serveProbes(
    flags,
    routesOf(isStuck, () => lookedAt !== undefined),
    metrics,
  );
  started.defer(() => probes.stop());
  started.defer(() => {
    stopped.abort();
  });
  const ticking = createTimerSchedule(log).every(TICK_MS, async (signal) => {
    await healer.tick(signal);
    lookedAt = elapsed();
  });
  started.defer(async () => {
    healer.stop();
    await ticking.stop();
  });
  const running = started.move();
  return { ended: Promise.withResolvers<string>().promise, stop: () => running.disposeAsync() };
}

function routesOf(isStuck: () => boolean, hasLooked: () => boolean): Routes {
  const health = { status: 200, text: "ok\n" };
  return {
    "/healthz": () => Promise.resolve(isStuck() ? { status: 500, text: "no look at the release ends\n" } : health),
    "/readyz": () =>
      Promise.resolve(hasLooked() ? health : { status: 503, text: "the release was not looked at yet\n" }),
  };
}
