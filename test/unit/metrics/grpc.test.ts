import { expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import { createProviderMetrics } from "../../../src/metrics/grpc.ts";

const method = "/v1alpha1.CSIDriverProvider/Mount";
const rest = 'provider="azure",os_type="linux",service_name="csi-secrets-store-provider-azure"';

async function lines(metrics: ReturnType<typeof createProviderMetrics>, start: string): Promise<string[]> {
  return (await metrics.text()).split("\n").filter((line) => line.startsWith(start));
}

test("calls are told by method, code in Go's spelling, and reason", async () => {
  const metrics = createProviderMetrics();
  metrics.served({ method, code: 0, durationMs: 250 });
  metrics.served({ method, code: 3, durationMs: 250, error: new DriverError("InvalidRequest", "secret named a") });
  metrics.served({ method, code: 1, durationMs: 250, error: new Error("secret named a") });
  expect(await lines(metrics, "grpc_request_sum")).toEqual([
    `grpc_request_sum{grpc_method="${method}",grpc_code="OK",grpc_message="",${rest}} 0.25`,
    `grpc_request_sum{grpc_method="${method}",grpc_code="InvalidArgument",grpc_message="InvalidRequest",${rest}} 0.25`,
    `grpc_request_sum{grpc_method="${method}",grpc_code="Canceled",grpc_message="Unforeseen",${rest}} 0.25`,
  ]);
});

test("buckets are the established ones", async () => {
  const metrics = createProviderMetrics();
  metrics.served({ method, code: 0, durationMs: 0 });
  const bounds = (await lines(metrics, "grpc_request_bucket")).map((line) => /le="([^"]+)"/.exec(line)?.[1]);
  expect(bounds.join(" ")).toBe("0.1 0.2 0.3 0.4 0.5 1 1.5 2 2.5 3 5 10 15 30 +Inf");
});

test("vaults are told as on a node; what the provider alone cannot know is not there", async () => {
  const metrics = createProviderMetrics({ objectNames: true });
  metrics.vaultRequest({ objectType: "secret", objectName: "a", durationMs: 250 });
  metrics.watchVaults(() => [{ source: {}, vault: "kv1", waiting: 2, pausedMs: 0 }]);
  expect(await lines(metrics, "keyvault_request_sum")).toEqual([
    `keyvault_request_sum{object_type="secret",object_name="a",error="",${rest}} 0.25`,
  ]);
  expect(await lines(metrics, "keyvault_queue_depth")).toEqual(['keyvault_queue_depth{vault="kv1"} 2']);
  expect(await metrics.text()).not.toContain("node_publish");
});
