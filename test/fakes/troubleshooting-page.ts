import { readFileSync } from "node:fs";
import { codesIn, readPage, type PageTable } from "./markdown-page.ts";

const page = readPage(readFileSync("docs/troubleshooting.md", "utf8"));

/** The tables of docs/troubleshooting.md, in their order. */
export const pageTables: readonly PageTable[] = page.tables;

/** Kubelet's own words; and Helm's, which only the chart can make it say. */
export const ofKubelet: readonly string[] = textsOf(firstOf("The pod does not start"));
export const ofHelm: readonly string[] = textsOf(firstOf("Helm refuses"));

/** What the program says. */
export const ofProgram: readonly string[] = pageTables
  .flatMap(textsOf)
  .filter((text) => ![...ofKubelet, ...ofHelm].includes(text));

/** A text of the page, so that nobody compares with one that it does not have. */
export function onPage(text: string): string {
  if (!pageTables.flatMap(textsOf).includes(text)) throw new Error(`docs/troubleshooting.md does not have: ${text}`);
  return text;
}

function firstOf(section: string): PageTable {
  const table = pageTables.find((one) => one.section === section);
  if (table === undefined) throw new Error(`docs/troubleshooting.md has no table under ${section}`);
  return table;
}

function textsOf({ columns, rows }: PageTable): readonly string[] {
  const column = columns.indexOf("text");
  return rows.flatMap((row) => codesIn(row[column]));
}
