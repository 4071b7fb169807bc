import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { nodeFlags } from "../../../src/commands/node-flags.ts";
import { providerFlags } from "../../../src/commands/provider-process-flags.ts";
import { reconcileFlags } from "../../../src/commands/reconcile-flags.ts";
import { codesIn, readPage } from "../../fakes/markdown-page.ts";

test.each([
  ["node", "README.md", nodeFlags],
  ["provider", "docs/provider-only.md", providerFlags],
  ["reconcile", "docs/reconciler.md", reconcileFlags],
])("the flags of %s are those of the table in %s", (_, page, flags) => {
  const { tables } = readPage(readFileSync(page, "utf8"));
  const rows = tables.filter(({ columns }) => columns[0] === "flag").flatMap((table) => table.rows);
  const documented = rows.flatMap(([cell]) => codesIn(cell)).map((code) => code.replace(/^--?|=.*/g, ""));
  expect(documented.toSorted()).toEqual(Object.keys(flags).toSorted());
});
