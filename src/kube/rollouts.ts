import { setTimeout as pause } from "node:timers/promises";
import { CommandError } from "../errors.ts";
import type { ObjectRef } from "../model.ts";
import type { Rollouts } from "../ports.ts";
import type { KubernetesApi } from "./api.ts";
import { askAsOperator } from "./operator.ts";
import { namespacedPath } from "./paths.ts";

/** What is read of a DaemonSet (apps/v1). */
interface DaemonSet {
  readonly metadata?: { readonly generation?: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly desiredNumberScheduled?: number;
    readonly updatedNumberScheduled?: number;
    readonly numberAvailable?: number;
  };
}

/** How long to wait, and how often to look. */
export interface Patience {
  readonly limitMs: number;
  readonly everyMs: number;
}

export function createRollouts(api: KubernetesApi, { limitMs, everyMs }: Patience): Rollouts {
  return {
    ready: async (ref, signal) => {
      const path = namespacedPath("apis/apps/v1", "daemonsets", ref);
      const limit = AbortSignal.timeout(limitMs);
      for (;;) {
        const seen = (await askAsOperator(api, path, "daemonsets", signal)) as DaemonSet | undefined;
        const left = missing(seen);
        if (left === 0) return;
        if (limit.aborted) throw unready(ref, left);
        await pause(everyMs, undefined, { signal }).catch(() => undefined);
      }
    },
  };
}

/** On how many nodes the last version is not ready; undefined where nobody knows yet. */
function missing({ metadata, status }: DaemonSet = {}): number | undefined {
  if (status?.observedGeneration === undefined || status.observedGeneration < (metadata?.generation ?? 0))
    return undefined;
  const {
    desiredNumberScheduled: nodes = 0,
    updatedNumberScheduled: updated = 0,
    numberAvailable: available = 0,
  } = status;
  return nodes - Math.min(updated, available);
}

function unready({ namespace, name }: ObjectRef, left: number | undefined): CommandError {
  const where = left === undefined ? "" : ` on ${left} ${left === 1 ? "node" : "nodes"}`;
  return new CommandError(`the extension is installed, but not ready${where}`, {
    remedy: `kubectl describe -n ${namespace} daemonset/${name} and its pods tell why; with --no-wait nobody waits for it`,
  });
}
