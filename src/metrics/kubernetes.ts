import { Counter, type Registry } from "@prometheus-io/client";
import type { Metrics } from "../ports.ts";

/** Counts what is asked of the Kubernetes API. */
export function registerKubernetesRequests(registry: Registry): Metrics["kubernetesRequest"] {
  const requests = new Counter({
    name: "kubernetes_requests_total",
    help: "Answers of the Kubernetes API, by the right that was used (verb, resource) and HTTP status; 0 is no answer",
    labelNames: ["verb", "resource", "code"],
    registers: [registry],
  });
  return ({ verb, resource, code }) => {
    requests.inc({ verb, resource, code: String(code) });
  };
}
