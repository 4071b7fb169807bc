import { percentile } from "./percentile.ts";
import type { Figure, Row, Samples } from "./row.ts";

/** A column of figures: which plugin, and what it measured by row. */
export interface Column {
  readonly title: string;
  readonly samples: ReadonlyMap<string, Samples>;
}

/** What the established pair of charts shows, and what is to be reached, by "row figure". */
export type Marks = Readonly<Record<string, { readonly pair?: string; readonly reach?: string }>>;

/** A line per figure, a column per plugin; a row's name stands at its first figure. */
export function layTable(rows: readonly Row[], columns: readonly Column[], marks: Marks): string {
  const head = ["row", "figure", ...columns.map(({ title }) => title), "pair", "to reach"];
  const lines = rows.flatMap((row) =>
    row.figures.map((figure, index) => {
      const { pair = "", reach = "" } = marks[`${row.name} ${figure.name}`] ?? {};
      const cells = columns.map(({ samples }) => cellOf(figure, samples.get(row.name)));
      return [index === 0 ? row.name : "", titleOf(figure), ...cells, pair, reach];
    }),
  );
  return align([head, ...lines]);
}

const words: Readonly<Record<number, string>> = { 100: "worst round" };

function titleOf({ name, unit, percentiles }: Figure): string {
  const [only] = percentiles;
  const which =
    percentiles.length === 1 && only === 50 ? [] : percentiles.map((percent) => words[percent] ?? `p${percent}`);
  return [name, ...(unit === "" ? [] : [unit]), ...(which.length > 0 ? [which.join(" / ")] : [])].join(", ");
}

function cellOf({ name, percentiles }: Figure, samples: Samples | undefined): string {
  const all = samples?.[name] ?? [];
  return all.length === 0 ? "-" : percentiles.map((percent) => format(percentile(all, percent))).join(" / ");
}

/** Three digits that count: 0.85, 16.4, 164, 1100. */
function format(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}

/** Names to the left, figures to the right. */
function align(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const pad = (cell: string, column: number): string =>
    column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return lines.map((line) => line.map(pad).join("  ").trimEnd()).join("\n");
}
