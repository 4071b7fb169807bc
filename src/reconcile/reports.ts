import { messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { KubernetesObject } from "../release-model.ts";
import type { ObjectEvents, ReconcileMetrics } from "../release-ports.ts";
import { keyOf, nameOf } from "./desired.ts";
import type { Restored } from "./restore.ts";

/** What is told of an object names so many fields. */
const MOST_PATHS = 5;

export interface ReportMeans {
  readonly events: ObjectEvents;
  readonly metrics: ReconcileMetrics;
  readonly log: Logger;
}

/** Log, events at the reconciler's Deployment, metrics. Trouble is told once, until it is over or is another. */
export interface Reports {
  restored(deployment: KubernetesObject, object: KubernetesObject, restored: Restored): void;
  /** It is as it should be. */
  fine(object: KubernetesObject): void;
  failed(deployment: KubernetesObject, object: KubernetesObject, error: unknown): void;
  standsDown(deployment: KubernetesObject | undefined, why: string): void;
  holds(count: number): void;
}

export function createReports({ events, metrics, log }: ReportMeans): Reports {
  const troubles = new Map<string, string>();
  const isNews = (about: string, text: string): boolean => {
    if (troubles.get(about) === text) return false;
    troubles.set(about, text);
    return true;
  };
  return {
    restored: (deployment, object, restored) => {
      const message = sentenceOf(object, restored);
      troubles.delete(keyOf(object));
      log.info(message);
      events.record(deployment, { type: "Normal", reason: "Restored", message });
      metrics.restored({ kind: object.kind, name: object.metadata.name, how: restored.how });
    },
    fine: (object) => {
      troubles.delete(keyOf(object));
    },
    failed: (deployment, object, error) => {
      metrics.failed({ kind: object.kind, name: object.metadata.name, error });
      const message = `${nameOf(object)} could not be restored: ${messageOf(error)}`;
      if (!isNews(keyOf(object), message)) return;
      log.error(message);
      events.record(deployment, { type: "Warning", reason: "RestoreFailed", message });
    },
    standsDown: (deployment, why) => {
      metrics.holds(0);
      if (!isNews("release", why)) return;
      log.warn(`Nothing is restored: ${why}`);
      if (deployment)
        events.record(deployment, { type: "Warning", reason: "StandsDown", message: `Nothing is restored: ${why}` });
    },
    holds: (count) => {
      metrics.holds(count);
      if (troubles.delete("release")) log.info("Objects are restored again");
    },
  };
}

function sentenceOf(object: KubernetesObject, { how, paths }: Restored): string {
  if (how === "created") return `${nameOf(object)} had been deleted, and is back`;
  if (how === "replaced") return `${nameOf(object)} had another value where none may be changed, and was made anew`;
  const more = paths.length > MOST_PATHS ? ` and ${paths.length - MOST_PATHS} more` : "";
  return `${nameOf(object)} had been changed, and is back: ${paths.slice(0, MOST_PATHS).join(", ")}${more}`;
}
