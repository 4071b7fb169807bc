/** What a field makes of the YAML under it, by the rules of Go's yaml.v3 (azure-provider 1.6). All throw InvalidRequest. */
import { DriverError } from "../errors.ts";
import { isInt32 } from "./go-text.ts";
import type { YamlNode } from "./yaml-text.ts";

const tags: Readonly<Record<YamlNode["kind"], string>> = {
  null: "!!null",
  text: "!!str",
  sequence: "!!seq",
  mapping: "!!map",
};

/** A string field: the text of any scalar as it was written; null and absent are empty. */
export function textOf(node: YamlNode | undefined): string {
  if (node === undefined || node.kind === "null") return "";
  if (node.kind !== "text") return unfit(node, "string");
  if (!node.text.isWellFormed())
    throw new DriverError("InvalidRequest", "yaml: text with a lone surrogate is no Unicode");
  return node.text;
}

/** An int32 field: what YAML reads as a number, cut to its integer part; null and absent are 0; quoted text is no number. */
export function int32Of(node: YamlNode | undefined): number {
  if (node === undefined || node.kind === "null") return 0;
  const value = node.kind === "text" && node.plain ? numberOf(node.text) : undefined;
  const whole = value === undefined ? undefined : Math.trunc(value);
  return whole !== undefined && isInt32(whole) ? whole : unfit(node, "int32");
}

/** A list field; null and absent are empty. */
export function itemsOf(node: YamlNode | undefined): readonly YamlNode[] {
  if (node === undefined || node.kind === "null") return [];
  return node.kind === "sequence" ? node.items : unfit(node, "[]string");
}

/** A structure; null and absent are empty. */
export function entriesOf(node: YamlNode): ReadonlyMap<string, YamlNode> {
  if (node.kind === "null") return new Map();
  return node.kind === "mapping" ? node.entries : unfit(node, "struct");
}

const radixes: readonly (readonly [pattern: RegExp, radix: number])[] = [
  [/^0[xX]([0-9a-fA-F]+)$/, 16],
  [/^0[bB]([01]+)$/, 2],
  [/^0[oO]?([0-7]+)$/, 8],
];

/** YAML 1.1 and 1.2 at once, as Go has it: `010` and `0o10` are 8, underscores may stand anywhere, `5.5` is a number. */
function numberOf(text: string): number | undefined {
  if (!/^[-+]?[0-9.]/.test(text)) return undefined;
  const sign = text.startsWith("-") ? -1 : 1;
  const digits = text.replace(/^[-+]/, "").replaceAll("_", "");
  for (const [pattern, radix] of radixes) {
    const inRadix = pattern.exec(digits)?.[1];
    if (inRadix !== undefined) return sign * Number.parseInt(inRadix, radix);
  }
  return /^(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/.test(digits) ? sign * Number(digits) : undefined;
}

function unfit(node: YamlNode, type: string): never {
  throw new DriverError(
    "InvalidRequest",
    `yaml: unmarshal errors: line ${node.line}: cannot unmarshal ${tags[node.kind]} into ${type}`,
  );
}
