import { setTimeout } from "node:timers/promises";
import { DriverError } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { EventReason } from "../model.ts";
import type { Clock, Events } from "../ports.ts";
import { ask, type Cluster } from "./ask.ts";
import { createTallies, type Tally } from "./event-tallies.ts";
import { CORE, namespacedPath } from "./paths.ts";

/** More events than these do not wait for the API server; the oldest go. */
const MOST_WAITING = 500;

/** Components as operators know them from the established driver (csi-driver 5.6, 6.2). */
const components: Readonly<Record<EventReason, string>> = {
  MountRotationComplete: "csi-secrets-store-rotation",
  MountRotationFailed: "csi-secrets-store-rotation",
  SecretRotationComplete: "csi-secrets-store-rotation",
  SecretRotationFailed: "csi-secrets-store-rotation",
  FailedToCreateSecret: "csi-secrets-store-controller",
};

export interface EventsOptions {
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long to wait while the API server is away; by default 10 s. */
  readonly retryMs?: number;
}

/** Events that can be stopped: what waits then is dropped. */
export interface EventSender extends Events {
  stop(): Promise<void>;
}

/**
 * Events of pods (core v1, as the established driver's), sent one after another in the background. The same words about the
 * same pod are one object whose count grows; by server-side apply it is made or changed in one request. What cannot be
 * sent is a matter of the log, at a level that few look at.
 */
export function createEvents(cluster: Cluster, options: EventsOptions): EventSender {
  const { nodeName, clock, log, retryMs = 10_000 } = options;
  const tallies = createTallies(clock);
  const waiting = new Set<Tally>();
  const stopped = new AbortController();
  let sending: Promise<void> | undefined;

  async function send(tally: Tally): Promise<void> {
    const { pod, name } = tally;
    const ref = { namespace: pod.namespace, name };
    const path = `${namespacedPath(CORE, "events", ref)}?fieldManager=azure-keyvault-csi&force=true`;
    const body = { contentType: "application/apply-patch+yaml", content: manifestOf(tally, nodeName) };
    await ask(cluster, { method: "PATCH", path, body }, { resource: "events", ref }, stopped.signal);
  }

  /** Resolves to whether to go on at once. */
  async function attempt(tally: Tally): Promise<boolean> {
    waiting.delete(tally);
    try {
      await send(tally);
      return true;
    } catch (error) {
      log.info("an event could not be sent", failureFields(tally, error), 2);
      if (!isAway(error)) return true;
      waiting.add(tally);
      return false;
    }
  }

  async function sendAll(): Promise<void> {
    while (!stopped.signal.aborted) {
      const [next] = waiting;
      if (next === undefined) break;
      if (!(await attempt(next))) await pause(retryMs, stopped.signal);
    }
    sending = undefined;
  }

  return {
    record: (pod, event) => {
      if (stopped.signal.aborted) return;
      waiting.add(tallies.count(pod, event));
      for (const oldest of waiting) if (waiting.size > MOST_WAITING) waiting.delete(oldest);
      sending ??= sendAll();
    },
    stop: async () => {
      stopped.abort();
      await sending;
    },
  };
}

/** Other failures are this event's alone, and another attempt would not help. */
function isAway(error: unknown): boolean {
  return error instanceof DriverError && error.reason === "KubernetesUnavailable";
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal, ref: false }).catch(() => undefined);
}

function failureFields({ pod, event }: Tally, error: unknown): Record<"pod" | "reason" | "err", string> {
  const err = error instanceof DriverError ? error.message : "internal error";
  return { pod: `${pod.namespace}/${pod.name}`, reason: event.reason, err };
}

function manifestOf({ pod, event, name, first, last, count }: Tally, nodeName: string): unknown {
  const component = components[event.reason];
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name, namespace: pod.namespace },
    involvedObject: { apiVersion: "v1", kind: "Pod", namespace: pod.namespace, name: pod.name, uid: pod.uid },
    ...event,
    source: { component, host: nodeName },
    reportingComponent: component,
    reportingInstance: nodeName,
    firstTimestamp: secondsOf(first),
    lastTimestamp: secondsOf(last),
    count,
  };
}

/** Kubernetes' Time has no fractions of a second. */
function secondsOf(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
