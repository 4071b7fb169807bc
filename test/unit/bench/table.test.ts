import { expect, test } from "vitest";
import { single, spread, worst, type Row, type Samples } from "../../bench/row.ts";
import { columnOf } from "../../bench/rounds.ts";
import { layTable } from "../../bench/table.ts";

const storm: Row = {
  name: "storm",
  title: "many pods",
  figures: [spread("publish", "ms"), single("CPU", "s"), worst("failures", "")],
  measure: () => Promise.resolve({}),
};

function measured(round: number, samples: Samples): Parameters<typeof columnOf>[1][number] {
  return { round, row: "storm", plugin: "ours", startedAt: "2020-01-01T00:00:00.000Z", samples };
}

test("a figure is a line: percentiles of all samples of all rounds, and what is to be reached", () => {
  const ours = columnOf("ours", [
    measured(1, { publish: [120.6, 99.4], CPU: [0.854], failures: [0] }),
    measured(2, { publish: [110], CPU: [12.34], failures: [2] }),
    measured(3, { publish: [100], CPU: [0.9], failures: [0] }),
  ]);
  const marks = { "storm publish": { pair: "891 / 1500" }, "storm CPU": { pair: "1.19", reach: "≤ 1.2" } };
  expect(layTable([storm], [ours], marks)).toBe(
    [
      "row    figure                       ours        pair  to reach",
      "storm  publish, ms, p50 / p95  100 / 121  891 / 1500",
      "       CPU, s                       0.90        1.19     ≤ 1.2",
      "       failures, worst round           2",
    ].join("\n"),
  );
});

test("what was not measured is a dash, and each plugin has its column", () => {
  const columns = [columnOf("ours", []), columnOf("vs", [])];
  const [head, ...lines] = layTable([storm], columns, {}).split("\n");
  expect(head).toMatch(/ours +vs +pair/);
  for (const line of lines) expect(line).toMatch(/- +-$/);
});
