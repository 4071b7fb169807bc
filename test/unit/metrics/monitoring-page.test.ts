import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { errorTypeOf, verdicts } from "../../../src/errors.ts";
import { codesIn, readPage, type PageTable } from "../../fakes/markdown-page.ts";
import { parseSamples, scrapeEverything } from "../../fakes/scrape.ts";

const page = readPage(readFileSync("docs/monitoring.md", "utf8"));
const tableOf = (column: string): PageTable["rows"] =>
  page.tables.find(({ columns }) => columns[0] === column)?.rows ?? [];
const byName = (one: readonly unknown[], other: readonly unknown[]): number =>
  String(one[0]).localeCompare(String(other[0]));

test("docs/monitoring.md has every metric, its type and its labels, and no other", async () => {
  const scrape = await scrapeEverything();
  const samples = parseSamples(scrape);
  const told = [...scrape.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => {
    const labels = samples.get(type === "histogram" ? `${name}_count` : name);
    return [name, type, [...(labels ?? [])].toSorted()];
  });
  const written = tableOf("metric").map(([name, type, labels]) => [
    codesIn(name)[0],
    type,
    [...codesIn(labels)].toSorted(),
  ]);
  expect(written.toSorted(byName)).toEqual(told.toSorted(byName));
});

test("docs/monitoring.md has every reason with its error_type, and no other", () => {
  const reasons = Object.entries(verdicts).map(([reason, { errorType }]) => [reason, errorType]);
  const written = tableOf("reason").map(([reason, errorType]) => [codesIn(reason)[0], codesIn(errorType)[0]]);
  expect(written.toSorted(byName)).toEqual(
    [...reasons, ["Unforeseen", errorTypeOf(new Error("unforeseen"))]].toSorted(byName),
  );
});

test.each(page.tables.flatMap(({ columns, rows }) => rows.map((row) => [row[0], row, columns] as const)))(
  "%s of docs/monitoring.md has all its cells filled, but for labels",
  (_name, row, columns) => {
    expect(row).toHaveLength(columns.length);
    expect(columns.filter((column, index) => column !== "labels" && row[index] === "")).toEqual([]);
  },
);
