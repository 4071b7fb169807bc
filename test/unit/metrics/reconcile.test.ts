import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import { createReconcilerMetrics } from "../../../src/metrics/reconcile.ts";
import { codesIn, readPage } from "../../fakes/markdown-page.ts";
import { parseSamples } from "../../fakes/scrape.ts";

test("docs/reconciler.md has every metric, its type and its labels, and no other", async () => {
  const metrics = createReconcilerMetrics();
  const object = { kind: "DaemonSet", name: "plugin" };
  metrics.holds(3);
  metrics.restored({ ...object, how: "created" });
  metrics.failed({ ...object, error: new DriverError("PermissionDenied", "no") });
  metrics.kubernetesRequest({ verb: "update", resource: "daemonsets.apps", code: 200 });
  const text = await metrics.text();
  expect(text).toContain('reconcile_failed_total{kind="DaemonSet",name="plugin",reason="PermissionDenied"} 1');
  const samples = parseSamples(text);
  const told = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => [
    name,
    type,
    [...(samples.get(name) ?? [])].toSorted(),
  ]);
  const { tables } = readPage(readFileSync("docs/reconciler.md", "utf8"));
  const rows = tables.find(({ columns }) => columns[0] === "metric")?.rows ?? [];
  const written = rows.map(([name, type, labels]) => [codesIn(name)[0], type, [...codesIn(labels)].toSorted()]);
  expect(written.toSorted()).toEqual(told.toSorted());
});
