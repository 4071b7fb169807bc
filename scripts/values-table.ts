/**
 * Writes the table of docs/values.md: every key of the chart's files/keys.yaml with its meaning, which is the comment above the key in
 * values.yaml. `--check` only says whether the document is up to date.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { format } from "prettier";
import { isMap, isNode, isScalar, parse, parseDocument, type Node, type YAMLMap } from "yaml";

interface Key {
  readonly key: string;
  readonly pair?: unknown;
  readonly pairAlso?: unknown;
  readonly unused?: string;
  readonly alone?: string;
  readonly shows?: { readonly in: string; readonly at: string; readonly is: unknown };
}

const begin = "<!-- values: made by npm run generate:values -->";
const end = "<!-- /values -->";
const chart = `${import.meta.dirname}/../charts/azure-keyvault-csi`;

const { values: options, positionals } = parseArgs({
  options: { check: { type: "boolean" } },
  allowPositionals: true,
});
const file = positionals[0] ?? "docs/values.md";
const text = readFileSync(file, "utf8");
const wanted = replaceBetween(text, await createTables());
if (wanted !== text && options.check) {
  console.error(`${file}: the table of values is not the chart's. Run npm run generate:values`);
  process.exitCode = 1;
} else if (wanted !== text) {
  writeFileSync(file, wanted);
}

async function createTables(): Promise<string> {
  const keys = parse(readFileSync(`${chart}/files/keys.yaml`, "utf8")) as readonly Key[];
  const root = parseDocument(readFileSync(`${chart}/values.yaml`, "utf8")).contents;
  if (!isMap(root)) throw new Error("values.yaml is no map");
  const meant = keys.filter(({ unused }) => unused === undefined);
  const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
    [heads, heads.map(() => "---"), ...rows].map((cells) => `| ${cells.map(escaped).join(" | ")} |\n`).join("");
  return format(
    [
      "## With a meaning\n",
      table(
        ["key", "meaning", "default", "the pair's default", "shows in"],
        meant.map((key) => [code(key.key), ...describe(root, key.key), pairsDefault(key), place(key)]),
      ),
      "## Without meaning here\n",
      "Taken, so that a values file of the pair can stay as it is; NOTES.txt names those that are set to anything else than the pair's default.\n",
      table(
        ["key", "why", "the pair's default"],
        keys.filter((key) => !meant.includes(key)).map((key) => [code(key.key), key.unused ?? "", pairsDefault(key)]),
      ),
    ].join("\n"),
    { parser: "markdown" },
  );
}

/** Meaning and default: a section's comment speaks for keys in it that have none. */
function describe(root: YAMLMap, path: string): readonly [meaning: string, standard: string] {
  let at: unknown = root;
  let meaning: string | undefined;
  for (const name of path.split(".")) {
    const entry = entryOf(at, name);
    if (!entry) throw new Error(`values.yaml has no ${path}`);
    meaning = lastParagraph(entry.comment) ?? meaning;
    at = entry.value;
  }
  if (!meaning) throw new Error(`values.yaml does not say what ${path} means: write it above the key`);
  return [meaning, isNode(at) ? code(toJson(at)) : ""];
}

/** The comment above the first key of a section is its map's, to the parser. */
function entryOf(map: unknown, name: string): { comment: string | null | undefined; value: unknown } | undefined {
  if (!isMap(map)) return undefined;
  const pair = map.items.find(({ key }) => isScalar(key) && key.value === name);
  if (!pair || !isScalar(pair.key)) return undefined;
  return {
    comment: pair.key.commentBefore ?? (map.items[0] === pair ? map.commentBefore : undefined),
    value: pair.value,
  };
}

/** What stands apart, such as the file's own head, is about more than the key. */
function lastParagraph(comment: string | null | undefined): string | undefined {
  return comment
    ?.split(/\n[ \t]*\n/)
    .at(-1)
    ?.replaceAll(/\s+/g, " ")
    .trim();
}

function toJson(node: Node): string {
  return JSON.stringify(node.toJSON());
}

function pairsDefault(key: Key): string {
  const also = "pairAlso" in key ? `; the driver's chart alone: ${code(JSON.stringify(key.pairAlso))}` : "";
  return "pair" in key ? `${code(JSON.stringify(key.pair))}${also}` : "no such key";
}

function place({ shows, alone }: Key): string {
  if (!shows) return "";
  const where = shows.at === "kind" ? shows.in : `${shows.in} ${code(shows.at.replace("spec.template.spec.", ""))}`;
  const flag = typeof shows.is === "string" ? /^--[a-z-]+/.exec(shows.is)?.[0] : /^-v/.exec(String(shows.is))?.[0];
  return `${where}${flag ? ` ${code(flag)}` : ""}${alone ? " of the provider alone" : ""}`;
}

function code(value: string): string {
  return `\`${value}\``;
}

function escaped(cell: string): string {
  return cell.replaceAll("|", "\\|");
}

function replaceBetween(document: string, table: string): string {
  const from = document.indexOf(begin);
  const to = document.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`${file} has no lines ${begin} and ${end}`);
  return `${document.slice(0, from)}${begin}\n\n${table}\n${document.slice(to)}`;
}
