import { Counter, Gauge, Histogram, type Registry } from "@prometheus-io/client";
import { reasonOf } from "../errors.ts";
import type { Metrics, VaultLoad } from "../ports.ts";

/** The established provider's bounds (azure-provider 5.5). */
export const bounds = [0.1, 0.2, 0.3, 0.4, 0.5, 1, 1.5, 2, 2.5, 3, 5, 10, 15, 30];
/** More vaults than this on one node are not told one by one: users name them. */
const MOST_VAULTS = 100;
/** The established provider's labels of every metric. */
export const common = {
  provider: "azure",
  os_type: "linux",
  service_name: "csi-secrets-store-provider-azure",
} as const;

/**
 * The established provider's metric under its name. Its label `error` is a reason here, not a text that names what it likes;
 * names of objects are told only if that is wanted: there may be any number of them.
 */
export function registerVaultMetrics(
  registry: Registry,
  { objectNames }: { readonly objectNames: boolean },
): Pick<Metrics, "vaultRequest" | "watchVaults"> {
  const requests = new Histogram<string>({
    name: "keyvault_request",
    help: "Distribution of how long it took to get from keyvault",
    labelNames: ["object_type", "object_name", "error", ...Object.keys(common)],
    buckets: bounds,
    registers: [registry],
  });
  return {
    watchVaults: (loads) => {
      registerLoads(registry, loads);
    },
    vaultRequest: ({ objectType, objectName, durationMs, error }) => {
      const labels = {
        object_type: objectType,
        object_name: objectNames ? objectName : "",
        error: error === undefined ? "" : reasonOf(error),
      };
      requests.observe({ ...labels, ...common }, durationMs / 1000);
    },
  };
}

/** A vault that nobody asks any more has no queue; what it paused stays counted. */
function registerLoads(registry: Registry, loads: () => readonly VaultLoad[]): void {
  const registers = [registry];
  const labelNames = ["vault"];
  const labelOf = createLabels();
  const counted = new WeakMap<object, number>();
  new Gauge({
    name: "keyvault_queue_depth",
    help: "Requests of this node that wait for a vault: for a place, or for the end of a pause",
    labelNames,
    registers,
    collect() {
      this.reset();
      for (const { vault, waiting } of loads()) this.inc({ vault: labelOf(vault) }, waiting);
    },
  });
  new Counter({
    name: "keyvault_throttle_seconds_total",
    help: "How long this node has sent a vault nothing, since the vault limits requests",
    labelNames,
    registers,
    collect() {
      for (const { source, vault, pausedMs } of loads()) {
        this.inc({ vault: labelOf(vault) }, (pausedMs - (counted.get(source) ?? 0)) / 1000);
        counted.set(source, pausedMs);
      }
    },
  });
}

/** The first vaults by name, the others together; a name that has its label keeps it. */
function createLabels(): (vault: string) => string {
  const named = new Set<string>();
  return (vault) => {
    if (named.size < MOST_VAULTS) named.add(vault);
    return named.has(vault) ? vault : "other";
  };
}
