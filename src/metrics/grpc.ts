import { Histogram, Registry } from "@prometheus-io/client";
import { reasonOf } from "../errors.ts";
import type { CallMetrics } from "../ports.ts";
import type { MetricsOptions, MetricsRegistry } from "./metrics.ts";
import { bounds, common, registerVaultMetrics } from "./vaults.ts";

/** The metrics of the provider alone: the established provider's, and how vaults keep up. */
export type ProviderMetrics = CallMetrics &
  Pick<MetricsRegistry, "vaultRequest" | "watchVaults" | "contentType" | "text">;

export function createProviderMetrics({ objectNames = false }: MetricsOptions = {}): ProviderMetrics {
  const registry = new Registry();
  return {
    ...registerVaultMetrics(registry, { objectNames }),
    ...registerCallMetrics(registry),
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}

/** Codes as Go's programs write them; dashboards ask for these. The place in the list is the code. */
const codeNames = [
  "OK",
  "Canceled",
  "Unknown",
  "InvalidArgument",
  "DeadlineExceeded",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unimplemented",
  "Internal",
  "Unavailable",
  "DataLoss",
  "Unauthenticated",
];

/** The established metric under its name. Its label `grpc_message` is a reason here, not a text that names what it likes. */
function registerCallMetrics(registry: Registry): CallMetrics {
  const requests = new Histogram<string>({
    name: "grpc_request",
    help: "Distribution of how long it took for the gRPC requests",
    labelNames: ["grpc_method", "grpc_code", "grpc_message", ...Object.keys(common)],
    buckets: bounds,
    registers: [registry],
  });
  return {
    served: ({ method, code, durationMs, error }) => {
      const labels = {
        grpc_method: method,
        grpc_code: codeNames[code] ?? "Unknown",
        grpc_message: error === undefined ? "" : reasonOf(error),
      };
      requests.observe({ ...labels, ...common }, durationMs / 1000);
    },
  };
}
