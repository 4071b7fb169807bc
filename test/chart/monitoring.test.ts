import { describe, expect, test } from "vitest";
import { DriverError } from "../../src/errors.ts";
import { createMetrics } from "../../src/metrics/metrics.ts";
import type { Metrics } from "../../src/ports.ts";
import { defined, render, type AlertRule } from "./helm.ts";
import { labelsOf, parseSamples, problemsOf, type Samples } from "./promql.ts";

const driver = "secrets-store-csi-driver";
const everything = {
  monitoring: { podMonitor: { enabled: true }, alertRules: { enabled: true }, dashboard: { enabled: true } },
  [driver]: { enableSecretRotation: true },
};

const error = new DriverError("Throttled", "throttled");
const azure = { provider: "azure", durationMs: 1 };
/** Each call makes every series that it can; the compiler holds the list complete. */
const exercise: { readonly [Method in keyof Metrics]: (metrics: Metrics) => void } = {
  kubernetesRequest: (metrics) => {
    metrics.kubernetesRequest({ verb: "get", resource: "secrets", code: 200 });
  },
  published: (metrics) => {
    metrics.published(azure);
    metrics.published({ ...azure, error });
  },
  unpublished: (metrics) => {
    metrics.unpublished({});
    metrics.unpublished({ error });
  },
  rotated: (metrics) => {
    metrics.rotated({ ...azure, rotated: true });
    metrics.rotated({ ...azure, rotated: false, error });
  },
  secretSynced: (metrics) => {
    metrics.secretSynced(azure);
    metrics.secretSynced({ ...azure, error });
  },
  watchVaults: (metrics) => {
    metrics.watchVaults(() => [{ source: {}, vault: "demo-vault", waiting: 3, pausedMs: 1_000 }]);
  },
  vaultRequest: (metrics) => {
    const request = { objectType: "secret", objectName: "s1", durationMs: 5 } as const;
    metrics.vaultRequest(request);
    metrics.vaultRequest({ ...request, error });
  },
  watchAges: (metrics) => {
    const ref = { namespace: "shop", name: "vault" };
    metrics.watchAges(() => ({ oldest: new Date(), classes: [{ ref, freshAt: new Date() }], owing: 1 }));
  },
};

async function scrape(): Promise<Samples> {
  const metrics = createMetrics();
  for (const call of Object.values(exercise)) call(metrics);
  return parseSamples(await metrics.text());
}

const samples = await scrape();

describe("a query is held against the metrics that there are:", () => {
  test.each([
    ["sum(", "no PromQL at 4"],
    ["sum by (provider) (rate(node_publish_total[5m])", "no PromQL at 47"],
    ["total_node_publish", "no metric total_node_publish"],
    ["rate(node_publish_total[5m]) / nope", "no metric nope"],
    ['node_publish_total{reason="a"}', 'no label reason in node_publish_total{reason="a"}'],
    ["sum by (code) (node_publish_total)", "no label code in sum by (code) (node_publish_total)"],
    ["max(volumes_owing) by (nope)", "no label nope in max(volumes_owing) by (nope)"],
  ])("%s", (query, problem) => {
    expect(problemsOf(query, samples)).toEqual([problem]);
  });

  test.each([
    ["sum by (pod, provider) (rate(node_publish_total[5m]))", ["pod", "provider"]],
    ["max(volumes_owing)", undefined],
  ])("%s is good", (query, labels) => {
    expect(problemsOf(query, samples)).toEqual([]);
    if (labels) expect([...labelsOf(query, samples)]).toEqual(labels);
  });
});

describe("the alert rules", () => {
  const [group] = render(everything).get("PrometheusRule", driver).spec.groups;
  const rules = defined(group, "a group").rules.map((rule) => [rule.alert, rule] as const);

  test.each(rules)("%s asks for what there is", (_name, { expr }) => {
    expect(problemsOf(expr, samples)).toEqual([]);
  });

  test.each(rules)("%s tells what its series say, and what to do", (_name, rule) => {
    const { summary, description } = rule.annotations;
    const named = [...`${summary}${description}`.matchAll(/\{\{ \$labels\.(\w+) \}\}/g)].map(([, label]) => label);
    expect([...labelsOf(rule.expr, samples)]).toEqual(expect.arrayContaining(named));
    expect(
      `${summary}${description}`.replaceAll(/\{\{ \$(labels\.\w+|value( \| humanizeDuration)?) \}\}/g, ""),
    ).not.toMatch(/[{}]/);
    expect(rule.for).toMatch(/^\d+m$/);
    expect(["warning", "critical"]).toContain(rule.labels.severity);
    expect([summary, description].every((text) => text.length > 20)).toBe(true);
  });

  test("say nothing of rotation where there is none", () => {
    const names = rulesOf(render({ monitoring: everything.monitoring })).map(({ alert }) => alert);
    expect(rules.map(([name]) => name).filter((name) => !names.includes(name))).toEqual([
      "KeyVaultRotationFails",
      "KeyVaultVolumesStale",
    ]);
  });

  test("take for stale what the values say", () => {
    const values = { ...everything, monitoring: { alertRules: { enabled: true, staleAfterSeconds: 600 } } };
    const stale = rulesOf(render(values)).find(({ alert }) => alert === "KeyVaultVolumesStale");
    expect(stale?.expr).toBe("oldest_volume_age_seconds > 600");
  });

  function rulesOf({ get }: ReturnType<typeof render>): readonly AlertRule[] {
    return get("PrometheusRule", driver).spec.groups.flatMap((one) => one.rules);
  }
});

describe("the dashboard", () => {
  const config = render(everything).get("ConfigMap", `${driver}-dashboard`);
  const dashboard = JSON.parse(defined(config.data?.["azure-keyvault-csi.json"], "the dashboard")) as Dashboard;
  const targets = dashboard.panels.flatMap(({ title, targets: queries }) =>
    queries.map(({ expr, legendFormat }) => [title, expr, legendFormat] as const),
  );

  test.each(targets)("%s asks for what there is: %s", (_title, expr) => {
    expect(problemsOf(withInterval(expr), samples)).toEqual([]);
  });

  test.each(targets)("%s names its series by what they have: %s", (_title, expr, legend) => {
    const named = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label);
    expect([...labelsOf(withInterval(expr), samples)]).toEqual(expect.arrayContaining(named));
  });

  test("shows each of the plugin's metrics", () => {
    const shown = targets.map(([, expr]) => expr).join("\n");
    const metrics = [...samples.keys()].map((name) => name.replace(/_(sum|count)$/, "_bucket"));
    expect(metrics.filter((name) => !shown.includes(name))).toEqual([]);
  });

  test("has panels that do not overlap, each with a title, a description and the chosen data source", () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(dashboard.panels.every(({ title, description }) => title !== "" && description !== "")).toBe(true);
    expect(new Set(dashboard.panels.map(({ datasource }) => datasource.uid))).toEqual(new Set(["${datasource}"]));
    expect(dashboard.templating.list.map(({ name, type }) => `${name} ${type}`)).toEqual(["datasource datasource"]);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  });

  test("is found by Grafana's sidecar", () => {
    expect(config.metadata?.labels?.["grafana_dashboard"]).toBe("1");
  });
});

test("the PodMonitor scrapes the plugin's pods, and leaves labels that metrics have", () => {
  const { get, container, daemonSet } = render(everything);
  const { spec } = get("PodMonitor", driver);
  expect(spec.podMetricsEndpoints).toEqual([{ port: "metrics", honorLabels: true }]);
  expect(container.ports?.map(({ name }) => name)).toContain("metrics");
  expect(spec.selector).toEqual(daemonSet.spec?.selector);
});

test("none of them is there unless it is asked for", () => {
  const kinds = render().objects.map(({ kind }) => kind);
  expect(kinds.filter((kind) => ["PodMonitor", "PrometheusRule", "ConfigMap"].includes(kind ?? ""))).toEqual([]);
});

interface Dashboard {
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] };
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly description: string;
    readonly datasource: { readonly uid: string };
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
}

/** Grafana puts a duration there. */
function withInterval(expr: string): string {
  return expr.replaceAll("$__rate_interval", "5m");
}
