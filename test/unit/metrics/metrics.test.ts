import { expect, test } from "vitest";
import { createMetrics } from "../../../src/metrics/metrics.ts";

test("requests to the Kubernetes API are counted by verb, resource and code, in Prometheus' text format", async () => {
  const metrics = createMetrics();
  const resource = "secretproviderclasses.secrets-store.csi.x-k8s.io";
  for (const code of [200, 200, 404]) metrics.kubernetesRequest({ verb: "get", resource, code });
  expect((await metrics.text()).split("\n").filter((line) => !line.startsWith("# HELP"))).toEqual([
    "# TYPE kubernetes_requests_total counter",
    `kubernetes_requests_total{verb="get",resource="${resource}",code="200"} 2`,
    `kubernetes_requests_total{verb="get",resource="${resource}",code="404"} 1`,
    "",
  ]);
  expect(metrics.contentType).toMatch(/^text\/plain; version=0\.0\.4/);
});
