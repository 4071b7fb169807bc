import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { verdicts } from "../../src/errors.ts";
import { codesIn, readPage } from "../fakes/markdown-page.ts";
import { parseSamples, scrapeEverything } from "../fakes/scrape.ts";
import { chartDir, defined, helm, render, type AlertRule, type Values } from "./helm.ts";
import { labelsOf, problemsOf } from "./promql.ts";

const driver = "secrets-store-csi-driver";
const everything = {
  monitoring: { podMonitor: { enabled: true }, alertRules: { enabled: true }, dashboard: { enabled: true } },
  [driver]: { enableSecretRotation: true },
};

const page = readPage(readFileSync(`${chartDir}/../../docs/monitoring.md`, "utf8"));
const rowsOf = (column: string): readonly (readonly string[])[] =>
  page.tables.find(({ columns }) => columns[0] === column)?.rows ?? [];

const samples = parseSamples(await scrapeEverything());

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
  const rules = rulesWith({});
  const named = rules.map((rule) => [rule.alert, rule] as const);
  const exprOf = (alert: string, among = rules): string =>
    defined(among.find((rule) => rule.alert === alert)?.expr, alert);

  test.each(named)("%s tells what its series say, and what to do", (_name, rule) => {
    const { summary, description } = rule.annotations;
    const told = [...`${summary}${description}`.matchAll(/\{\{ \$labels\.(\w+) \}\}/g)].map(([, label]) => label);
    expect([...labelsOf(rule.expr, samples)]).toEqual(expect.arrayContaining(told));
    expect(
      `${summary}${description}`.replaceAll(/\{\{ \$(labels\.\w+|value( \| humanizeDuration)?) \}\}/g, ""),
    ).not.toMatch(/[{}]/);
    expect(rule.for).toMatch(/^\d+m$/);
    expect(["warning", "critical"]).toContain(rule.labels.severity);
    expect([summary, description].every((text) => text.length > 20)).toBe(true);
  });

  describe.each<[string, Values, number]>([
    ["as values.yaml has them", {}, 3_600],
    ["every 2 minutes", { [driver]: { rotationPollInterval: "2m" } }, 3_600],
    ["every 2 hours", { [driver]: { rotationPollInterval: "2h" } }, 3_600],
    ["stale after 10 minutes", { monitoring: { alertRules: { staleAfterSeconds: 600 } } }, 600],
    ["stale after 12 days", { monitoring: { alertRules: { staleAfterSeconds: 1_036_800 } } }, 1_036_800],
  ])("%s", (_case, values, staleAfter) => {
    const rendered = rulesWith(values);

    test.each(rendered.map(({ alert, expr }) => [alert, expr]))("%s asks for what there is: %s", (_name, expr) => {
      expect(problemsOf(expr, samples)).toEqual([]);
    });

    test("take for stale what was not fresh so long, and for three intervals", () => {
      const limit = `clamp_min(3 * rotation_interval_seconds, ${staleAfter})`;
      expect(exprOf("KeyVaultVolumesStale", rendered)).toBe(`oldest_volume_age_seconds > ${limit}`);
    });
  });

  test("say nothing of rotation where there is none", () => {
    const without = rulesWith({ [driver]: { enableSecretRotation: false } }).map(({ alert }) => alert);
    expect(rules.map(({ alert }) => alert).filter((alert) => !without.includes(alert))).toEqual([
      "KeyVaultRotationFails",
      "KeyVaultVolumesStale",
    ]);
  });

  test.each(named)("%s counts no pass of rotation in a window: the interval may be longer", (_name, { expr }) => {
    expect(expr).not.toMatch(/rotation_[^[]*\[/);
  });

  test("tell of rotation when two passes have failed, before a volume is stale", () => {
    expect(exprOf("KeyVaultRotationFails")).toBe(
      "volumes_failing > 0 and oldest_volume_age_seconds > 2 * rotation_interval_seconds",
    );
  });

  test("tell of Kubernetes Secrets that are not written, and of a single failure that was mended do not", () => {
    const rule = rules.find(({ alert }) => alert === "KeyVaultSecretsNotWritten");
    expect(rule?.expr).toBe("sum by (pod, reason) (increase(sync_k8s_secret_error_total[15m])) > 0");
    expect(Number.parseInt(rule?.for ?? "", 10)).toBeGreaterThan(15);
  });

  describe("on mounts that fail", () => {
    const tellingOf = (reason: string): readonly AlertRule[] =>
      rules.filter(({ expr }) => expr.includes("node_publish_error_total") && selects(expr, reason));
    const ofUsers = [
      "InvalidRequest",
      "SecretProviderClassNotFound",
      "ProviderNotFound",
      "ProviderError",
      "PermissionDenied",
    ];

    test("docs/monitoring.md names for each reason the one that tells it", () => {
      const written = rowsOf("reason").map(([reason, , alert]) => [codesIn(reason)[0], codesIn(alert)[0]]);
      const told = written.map(([reason = ""]) => [
        reason,
        tellingOf(reason)
          .map(({ alert }) => alert)
          .join(),
      ]);
      expect(written).toEqual(told);
    });

    test.each([...Object.keys(verdicts), "Unforeseen"])("for %s, wake nobody for what a user has to mend", (reason) => {
      expect(tellingOf(reason).map(({ alert, labels }) => [alert, labels.severity])).toEqual([
        ofUsers.includes(reason) ? ["KeyVaultMountsRefused", "warning"] : ["KeyVaultMountsFail", "critical"],
      ]);
    });
  });

  test("are those of docs/monitoring.md, with their severity", () => {
    const written = rowsOf("alert").map(([alert, severity]) => [codesIn(alert)[0], severity]);
    expect(written.toSorted()).toEqual(rules.map(({ alert, labels }) => [alert, labels.severity]).toSorted());
  });

  function rulesWith(values: Values): readonly AlertRule[] {
    const monitoring = { alertRules: { enabled: true, ...alertRulesOf(values) } };
    const half = { enableSecretRotation: true, ...(values[driver] as object | undefined) };
    const { get } = render({ monitoring, [driver]: half });
    return get("PrometheusRule", driver).spec.groups.flatMap((group) => group.rules);
  }

  function alertRulesOf({ monitoring }: Values): object {
    return (monitoring as { alertRules?: object } | undefined)?.alertRules ?? {};
  }

  /** As PromQL does: the whole value must match. */
  function selects(expr: string, reason: string): boolean {
    const [, operator, pattern] = /reason(=~|!~)"([^"]+)"/.exec(expr) ?? [];
    return new RegExp(`^(?:${defined(pattern, "a pattern of reasons")})$`).test(reason) === (operator === "=~");
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

  const panels = dashboard.panels.map((panel) => [panel.title, panel] as const);

  test.each(panels)(
    "%s has the unit of all that it shows, and says what that is and when to do what",
    (_title, panel) => {
      const units = panel.targets.map(({ expr }) => unitOf(expr));
      expect(units).toEqual(panel.targets.map(() => panel.fieldConfig.defaults.unit));
      expect(panel.description.split(/[.;] /).length).toBeGreaterThan(1);
      expect(panel.description.length).toBeGreaterThan(60);
    },
  );

  test.each(panels)(
    "%s has colours of its own where Grafana's would turn red at 80",
    (_title, { type, fieldConfig }) => {
      if (type === "timeseries") return;
      const { color, thresholds } = fieldConfig.defaults;
      expect(color?.mode === "fixed" || thresholds !== undefined).toBe(true);
    },
  );

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

test("all of them are there with the values of docs/monitoring.md", () => {
  const [values = ""] = page.blocks.filter(({ language }) => language === "yaml").map(({ text }) => text);
  const kinds = render(parse(values) as Values).objects.map(({ kind }) => kind);
  expect(kinds).toEqual(expect.arrayContaining(["PodMonitor", "PrometheusRule", "ConfigMap"]));
});

test("the rules alone are printed by the command of docs/monitoring.md", () => {
  const [command = ""] = page.blocks.filter(({ language }) => language === "sh").map(({ text }) => text);
  const [program, ...args] = command.trim().split(" ");
  expect(program).toBe("helm");
  expect(parse(helm(args))).toMatchObject({ kind: "PrometheusRule" });
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
    readonly type: string;
    readonly fieldConfig: { readonly defaults: Defaults };
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
}

interface Defaults {
  readonly unit: string;
  readonly color?: { readonly mode: string };
  readonly thresholds?: object;
}

/** By the name of the metric and what the query makes of it. */
function unitOf(expr: string): string {
  if (expr.includes("histogram_quantile(")) return "s";
  if (expr.includes("rate(")) return rateUnitOf(expr);
  return /_seconds\b/.test(expr) && !expr.startsWith("count(") ? "s" : "short";
}

function rateUnitOf(expr: string): string {
  if (/_seconds_total\b/.test(expr)) return "percentunit";
  return expr.includes("request") ? "reqps" : "ops";
}

/** Grafana puts a duration there. */
function withInterval(expr: string): string {
  return expr.replaceAll("$__rate_interval", "5m");
}
