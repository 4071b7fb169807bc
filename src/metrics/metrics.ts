import { Registry } from "@prometheus-io/client";
import type { Metrics } from "../ports.ts";
import { registerAges, registerInterval } from "./ages.ts";
import { registerKubernetesRequests } from "./kubernetes.ts";
import { registerVaultMetrics } from "./vaults.ts";
import { registerVolumeMetrics } from "./volumes.ts";

/** Metrics and their text for a scraper (Prometheus text format 0.0.4). */
export interface MetricsRegistry extends Metrics {
  readonly contentType: string;
  text(): Promise<string>;
}

export interface MetricsOptions {
  /** Whether objects of vaults are told by name; by default they are not. */
  readonly objectNames?: boolean;
}

export function createMetrics({ objectNames = false }: MetricsOptions = {}): MetricsRegistry {
  const registry = new Registry();
  return {
    kubernetesRequest: registerKubernetesRequests(registry),
    ...registerVolumeMetrics(registry),
    ...registerVaultMetrics(registry, { objectNames }),
    rotatesEvery: (intervalMs) => {
      registerInterval(registry, intervalMs);
    },
    watchAges: (ages) => {
      registerAges(registry, ages);
    },
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}
