import { Counter, Gauge, Registry } from "@prometheus-io/client";
import { reasonOf } from "../errors.ts";
import type { Metrics } from "../ports.ts";
import type { ReconcileMetrics } from "../release-ports.ts";
import { registerKubernetesRequests } from "./kubernetes.ts";
import type { MetricsRegistry } from "./metrics.ts";

/** The metrics of the reconciler. Kinds and names are those of the chart. */
export type ReconcilerMetrics = ReconcileMetrics &
  Pick<Metrics, "kubernetesRequest"> &
  Pick<MetricsRegistry, "contentType" | "text">;

export function createReconcilerMetrics(): ReconcilerMetrics {
  const registry = new Registry();
  const registers = [registry];
  const restored = new Counter({
    name: "reconcile_restored_total",
    help: "Objects of the release that were brought back: created, changed or replaced",
    labelNames: ["kind", "name", "how"],
    registers,
  });
  const failed = new Counter({
    name: "reconcile_failed_total",
    help: "Attempts to bring an object of the release back that failed, by reason",
    labelNames: ["kind", "name", "reason"],
    registers,
  });
  const held = new Gauge({
    name: "reconcile_objects",
    help: "Objects of the release that are held as they should be; 0 while nothing is restored",
    registers,
  });
  return {
    restored: ({ kind, name, how }) => {
      restored.inc({ kind, name, how });
    },
    failed: ({ kind, name, error }) => {
      failed.inc({ kind, name, reason: reasonOf(error) });
    },
    holds: (count) => {
      held.set(count);
    },
    kubernetesRequest: registerKubernetesRequests(registry),
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}
