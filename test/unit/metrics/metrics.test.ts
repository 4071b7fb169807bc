import { describe, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import { createMetrics, type MetricsRegistry } from "../../../src/metrics/metrics.ts";

/** The samples of the metrics whose name begins so. */
async function samples(metrics: MetricsRegistry, ...names: readonly string[]): Promise<string[]> {
  const lines = (await metrics.text()).split("\n");
  return lines.filter((line) => names.some((name) => line.startsWith(`${name}{`) || line.startsWith(`${name} `)));
}

const throttled = new DriverError("Throttled", "later");

test("requests to the Kubernetes API are counted by verb, resource and code, in Prometheus' text format", async () => {
  const metrics = createMetrics();
  const resource = "secretproviderclasses.secrets-store.csi.x-k8s.io";
  for (const code of [200, 200, 404]) metrics.kubernetesRequest({ verb: "get", resource, code });
  expect(await samples(metrics, "# TYPE kubernetes_requests_total", "kubernetes_requests_total")).toEqual([
    "# TYPE kubernetes_requests_total counter",
    `kubernetes_requests_total{verb="get",resource="${resource}",code="200"} 2`,
    `kubernetes_requests_total{verb="get",resource="${resource}",code="404"} 1`,
  ]);
  expect(metrics.contentType).toMatch(/^text\/plain; version=0\.0\.4/);
});

describe("the established driver's metrics", () => {
  test("count publishes and unpublishes", async () => {
    const metrics = createMetrics();
    metrics.published({ provider: "azure" });
    metrics.published({ provider: "azure", error: throttled });
    metrics.published({ provider: "", error: new Error("unforeseen") });
    metrics.unpublished({});
    metrics.unpublished({ error: throttled });
    expect(await samples(metrics, "node_publish_total", "node_publish_error_total")).toEqual([
      'node_publish_total{provider="azure",os_type="linux"} 1',
      'node_publish_error_total{provider="azure",error_type="GRPCProviderError",reason="Throttled",os_type="linux"} 1',
      'node_publish_error_total{provider="",error_type="FailedToMount",reason="Unforeseen",os_type="linux"} 1',
    ]);
    expect(await samples(metrics, "node_unpublish_total", "node_unpublish_error_total")).toEqual([
      'node_unpublish_total{os_type="linux"} 1',
      'node_unpublish_error_total{os_type="linux"} 1',
    ]);
  });

  test("name the providers that everybody knows, and no name that a user made up", async () => {
    const metrics = createMetrics();
    const known = ["akeyless", "aws", "azure", "conjur", "gcp", "openbao", "vault"];
    for (const provider of [...known, "mine", "yours"]) metrics.published({ provider });
    expect(await samples(metrics, "node_publish_total")).toEqual([
      ...known.map((provider) => `node_publish_total{provider="${provider}",os_type="linux"} 1`),
      'node_publish_total{provider="other",os_type="linux"} 2',
    ]);
  });

  test("count rotations, and how long those that succeeded took", async () => {
    const metrics = createMetrics();
    metrics.rotated({ provider: "azure", rotated: true, durationMs: 250 });
    metrics.rotated({ provider: "azure", rotated: false, durationMs: 9_000, error: throttled });
    expect(
      await samples(
        metrics,
        "rotation_reconcile_total",
        "rotation_reconcile_error_total",
        "rotation_reconcile_duration_sec_sum",
      ),
    ).toEqual([
      'rotation_reconcile_total{provider="azure",rotated="true",os_type="linux"} 1',
      'rotation_reconcile_error_total{provider="azure",error_type="GRPCProviderError",reason="Throttled",rotated="false",os_type="linux"} 1',
      'rotation_reconcile_duration_sec_sum{os_type="linux"} 0.25',
    ]);
  });

  test("count Secrets that were written, and those that could not be", async () => {
    const metrics = createMetrics();
    metrics.secretSynced({ provider: "azure", durationMs: 500 });
    metrics.secretSynced({ provider: "azure", durationMs: 9_000, error: new DriverError("InvalidRequest", "no") });
    expect(
      await samples(metrics, "sync_k8s_secret_total", "sync_k8s_secret_error_total", "k8s_secret_duration_sec_sum"),
    ).toEqual([
      'sync_k8s_secret_total{provider="azure",os_type="linux"} 1',
      'sync_k8s_secret_error_total{provider="azure",error_type="FailedToMount",reason="InvalidRequest",os_type="linux"} 1',
      'k8s_secret_duration_sec_sum{os_type="linux"} 0.5',
    ]);
  });

  test("have the established buckets", async () => {
    const metrics = createMetrics();
    metrics.rotated({ provider: "azure", rotated: true, durationMs: 0 });
    const buckets = (await samples(metrics, "rotation_reconcile_duration_sec_bucket")).map(
      (line) => /le="([^"]+)"/.exec(line)?.[1],
    );
    const bounds = ["0.1", "0.1349", "0.1821", "0.2456", "0.3314", "0.4472", "0.6034", "0.8142", "1.0986", "1.4823"];
    expect(buckets).toEqual([...bounds, "2", "+Inf"]);
  });

  test("call a provider that nobody knows other: names come from users", async () => {
    const metrics = createMetrics();
    for (const provider of ["mine", "yours"]) metrics.published({ provider });
    expect(await samples(metrics, "node_publish_total")).toEqual([
      'node_publish_total{provider="other",os_type="linux"} 2',
    ]);
  });
});

describe("how up to date volumes are", () => {
  test("is asked at each scrape, and a class without volumes is told no more", async () => {
    const metrics = createMetrics();
    const oldest = new Date(Date.now() - 90_000);
    let classes = [{ ref: { namespace: "shop", name: "vault" }, freshAt: new Date(5_000) }];
    metrics.watchAges(() => ({ oldest, classes, owing: 2, failing: 3 }));
    expect(
      await samples(metrics, "volumes_owing", "volumes_failing", "secretproviderclass_last_success_timestamp_seconds"),
    ).toEqual([
      "volumes_owing 2",
      "volumes_failing 3",
      'secretproviderclass_last_success_timestamp_seconds{namespace="shop",secretproviderclass="vault"} 5',
    ]);
    const [age = ""] = await samples(metrics, "oldest_volume_age_seconds");
    expect(Number(age.split(" ")[1])).toBeGreaterThanOrEqual(90);
    classes = [];
    expect(await samples(metrics, "secretproviderclass_last_success_timestamp_seconds")).toEqual([]);
  });

  test("is no age where no volume waits", async () => {
    const metrics = createMetrics();
    metrics.watchAges(() => ({ oldest: undefined, classes: [], owing: 0, failing: 0 }));
    expect(await samples(metrics, "oldest_volume_age_seconds")).toEqual(["oldest_volume_age_seconds 0"]);
  });
});

describe("the interval of rotation", () => {
  test("is told in seconds", async () => {
    const metrics = createMetrics();
    metrics.rotatesEvery(90_000);
    expect(await samples(metrics, "rotation_interval_seconds")).toEqual(["rotation_interval_seconds 90"]);
  });

  test("is no series where there is no rotation: a 0 would be compared with", async () => {
    expect(await createMetrics().text()).not.toContain("rotation_interval_seconds");
  });
});

describe("the established provider's metric", () => {
  const request = { objectType: "secret", objectName: "DemoSecret", durationMs: 250 } as const;
  const rest = 'provider="azure",os_type="linux",service_name="csi-secrets-store-provider-azure"';

  test("tells how long a request took, by type and reason; names of objects only if that is wanted", async () => {
    const quiet = createMetrics();
    quiet.vaultRequest(request);
    quiet.vaultRequest({ ...request, error: throttled });
    expect(await samples(quiet, "keyvault_request_sum")).toEqual([
      `keyvault_request_sum{object_type="secret",object_name="",error="",${rest}} 0.25`,
      `keyvault_request_sum{object_type="secret",object_name="",error="Throttled",${rest}} 0.25`,
    ]);
    const naming = createMetrics({ objectNames: true });
    naming.vaultRequest(request);
    expect(await samples(naming, "keyvault_request_sum")).toEqual([
      `keyvault_request_sum{object_type="secret",object_name="DemoSecret",error="",${rest}} 0.25`,
    ]);
  });
});

describe("how vaults keep up", () => {
  const depth = (metrics: MetricsRegistry): Promise<string[]> => samples(metrics, "keyvault_queue_depth");
  const paused = (metrics: MetricsRegistry): Promise<string[]> => samples(metrics, "keyvault_throttle_seconds_total");

  test("is asked at each scrape: who waits, and how much longer this node paused", async () => {
    const metrics = createMetrics();
    let load = { source: {}, vault: "demo-vault", waiting: 3, pausedMs: 1_500 };
    metrics.watchVaults(() => [load]);
    expect(await depth(metrics)).toEqual(['keyvault_queue_depth{vault="demo-vault"} 3']);
    load = { ...load, waiting: 0, pausedMs: 4_000 };
    expect(await depth(metrics)).toEqual(['keyvault_queue_depth{vault="demo-vault"} 0']);
    expect(await paused(metrics)).toEqual(['keyvault_throttle_seconds_total{vault="demo-vault"} 4']);
  });
  test("of a vault that nobody asks any more: no queue, and what it paused stays counted", async () => {
    const metrics = createMetrics();
    const kv1 = { source: {}, vault: "kv1", waiting: 1, pausedMs: 5_000 };
    let loads = [kv1, { ...kv1, source: {}, pausedMs: 7_000 }];
    metrics.watchVaults(() => loads);
    expect(await paused(metrics)).toEqual(['keyvault_throttle_seconds_total{vault="kv1"} 12']);
    loads = [];
    expect(await paused(metrics)).toEqual(['keyvault_throttle_seconds_total{vault="kv1"} 12']);
    expect(await depth(metrics)).toEqual([]);
    loads = [{ ...kv1, source: {}, pausedMs: 1_000 }];
    expect(await paused(metrics)).toEqual(['keyvault_throttle_seconds_total{vault="kv1"} 13']);
  });
  test("names a hundred vaults at most, always the same ones, and adds the others up", async () => {
    const metrics = createMetrics();
    let vaults = Array.from({ length: 150 }, (_, i) => ({ source: {}, vault: `kv-${i}`, waiting: 1, pausedMs: 1_000 }));
    metrics.watchVaults(() => vaults);
    const before = await metrics.text();
    expect(await depth(metrics)).toHaveLength(101);
    expect(await depth(metrics)).toContain('keyvault_queue_depth{vault="other"} 50');
    vaults = vaults.toReversed();
    const sorted = (text: string): string[] =>
      text
        .split("\n")
        .filter((line) => line.startsWith("keyvault_"))
        .toSorted();
    expect(sorted(await metrics.text())).toEqual(sorted(before));
  });
});
