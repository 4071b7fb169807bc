/**
 * YAML whose scalars stay the text that was written: `0755` is "0755" and `1e10` is "1e10", where a usual loader makes
 * numbers of them (azure-provider 1.6). What a scalar means is asked afterwards, by whoever knows the field.
 */
import {
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Alias,
  type Scalar,
  type YAMLMap,
} from "yaml";
import { DriverError } from "../errors.ts";
import { decodeBase64 } from "./go-text.ts";

/** A piece of a document. Aliases are followed, merge keys are merged; what is aliased twice is the same object twice. */
export type YamlNode = { readonly line: number } & (
  | { readonly kind: "null" }
  /** `plain`: written without quotes or block marks, or tagged a number, so that a reader of numbers may take it for one. */
  | { readonly kind: "text"; readonly text: string; readonly plain: boolean }
  | { readonly kind: "sequence"; readonly items: readonly YamlNode[] }
  | { readonly kind: "mapping"; readonly entries: ReadonlyMap<string, YamlNode> }
);

/** More aliases than anybody writes by hand; fewer than it takes to make a small text large. */
const maxAliases = 100;
/** So that a large mapping is not merged into each of many. */
const maxMergedKeys = 10_000;

/** Reads the first document of a text; an empty one is null. Throws InvalidRequest, in one line. */
export function parseYaml(text: string): YamlNode {
  try {
    return readFirstDocument(text);
  } catch (error) {
    if (error instanceof DriverError) throw error;
    // The library collects what it finds wrong; thrown is only what neither of us has the stack for.
    throw new DriverError("InvalidRequest", "yaml: the text is nested too deeply", { cause: error });
  }
}

function readFirstDocument(text: string): YamlNode {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    schema: "failsafe",
    resolveKnownTags: false,
    prettyErrors: false,
    // Checked below: the library compares each key with all before it.
    uniqueKeys: false,
    lineCounter: lines,
  });
  const document = Array.isArray(documents) ? documents[0] : undefined;
  if (document === undefined) return { kind: "null", line: 1 };
  const [flaw] = document.errors;
  if (flaw !== undefined) {
    const what = (flaw.message.split("\n")[0] ?? "").slice(0, 120);
    throw broken(lines.linePos(flaw.pos[0]).line, what);
  }
  return createReader(lines)(document.contents);
}

/** Reads nodes in the order of the document, so that an alias means the last anchor of its name before it. */
function createReader(lines: LineCounter): (node: unknown) => YamlNode {
  const anchors = new Map<string, unknown>();
  const known = new Map<unknown, YamlNode>();
  let aliases = 0;
  let mergedKeys = 0;

  const lineOf = (node: { range?: readonly number[] | null | undefined }): number =>
    lines.linePos(node.range?.[0] ?? 0).line;

  function read(node: unknown): YamlNode {
    if (isAlias(node)) return follow(node);
    if ((isScalar(node) || isCollection(node)) && node.anchor !== undefined) anchors.set(node.anchor, node);
    const made = make(node);
    known.set(node, made);
    return made;
  }

  function make(node: unknown): YamlNode {
    if (isScalar(node)) return readScalar(node, lineOf(node));
    if (isSeq(node)) return { kind: "sequence", line: lineOf(node), items: node.items.map(read) };
    if (isMap(node)) return { kind: "mapping", line: lineOf(node), entries: readEntries(node) };
    return { kind: "null", line: 1 };
  }

  /** What is aliased was read before, once, however often it is named. */
  function follow(alias: Alias): YamlNode {
    aliases++;
    if (aliases > maxAliases) throw broken(lineOf(alias), `more than ${maxAliases} aliases`);
    const anchor = alias.source.slice(0, 60);
    if (!anchors.has(alias.source)) throw broken(lineOf(alias), `unknown anchor '${anchor}' referenced`);
    const target = known.get(anchors.get(alias.source));
    if (target === undefined) throw broken(lineOf(alias), `anchor '${anchor}' value contains itself`);
    return target;
  }

  /** A key that is written wins over one that is merged; of two merged ones the first wins. */
  function readEntries(map: YAMLMap): ReadonlyMap<string, YamlNode> {
    const written = new Map<string, YamlNode>();
    const merged = new Map<string, YamlNode>();
    for (const { key, value } of map.items) {
      const keyNode = read(key);
      const node = value === null ? ({ kind: "null", line: keyNode.line } as const) : read(value);
      if (isMergeKey(key)) merge(merged, node, keyNode.line);
      else addEntry(written, keyNode, node);
    }
    return new Map([...merged, ...written]);
  }

  function merge(into: Map<string, YamlNode>, node: YamlNode, line: number): void {
    const entries = mergeable(node);
    mergedKeys += entries.length;
    if (mergedKeys > maxMergedKeys) throw broken(line, `more than ${maxMergedKeys} merged keys`);
    for (const [name, entry] of entries) into.set(name, into.get(name) ?? entry);
  }

  return read;
}

function addEntry(entries: Map<string, YamlNode>, key: YamlNode, node: YamlNode): void {
  const name = keyText(key);
  if (entries.has(name)) throw broken(key.line, `mapping key ${JSON.stringify(name.slice(0, 60))} already defined`);
  entries.set(name, node);
}

function readScalar(node: Scalar, line: number): YamlNode {
  const text = node.source ?? "";
  if (node.tag !== undefined) return readTagged(node.tag, text, line);
  const plain = node.type === "PLAIN";
  return plain && nulls.includes(text) ? { kind: "null", line } : { kind: "text", line, text, plain };
}

const nulls: readonly string[] = ["", "~", "null", "Null", "NULL"];
const STANDARD = "tag:yaml.org,2002:";

/** The tags that change what a text is; with others it is text. */
function readTagged(tag: string, text: string, line: number): YamlNode {
  if (tag === `${STANDARD}null`) return { kind: "null", line };
  const numeric = [`${STANDARD}int`, `${STANDARD}float`].includes(tag);
  const decoded = tag === `${STANDARD}binary` ? decodeBinary(text, line) : text;
  return { kind: "text", line, text: decoded, plain: numeric };
}

function decodeBinary(text: string, line: number): string {
  try {
    return Buffer.from(decodeBase64(text.replaceAll(/[ \t]/g, ""))).toString("utf8");
  } catch (error) {
    throw new DriverError("InvalidRequest", `yaml: line ${line}: !!binary value contains invalid base64 data`, {
      cause: error,
    });
  }
}

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.source === "<<" && key.type === "PLAIN" && key.tag === undefined;
}

/** A mapping, or a list of them; lists within lists could multiply without end. */
function mergeable(node: YamlNode): readonly (readonly [string, YamlNode])[] {
  const sources = node.kind === "sequence" ? node.items : [node];
  return sources.flatMap((source) => {
    if (source.kind === "mapping") return [...source.entries];
    throw broken(source.line, "map merge requires map or sequence of maps as the value");
  });
}

function keyText(key: YamlNode): string {
  if (key.kind === "text") return key.text;
  if (key.kind === "null") return "";
  throw broken(key.line, "a key must be a scalar");
}

function broken(line: number, what: string): DriverError {
  return new DriverError("InvalidRequest", `yaml: line ${line}: ${what}`);
}
