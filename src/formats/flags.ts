import { parseGoBool } from "./go-text.ts";
import { nearest } from "./nearest.ts";

/** One flag of a command. A problem found by `parse` is thrown as an Error whose message says what is wanted. */
export interface FlagSpec<Value> {
  readonly help: string;
  /** What the value is called in the help; absent for a switch, which may stand without a value. */
  readonly placeholder?: string;
  readonly parse: (text: string) => Value;
  readonly fallback: Value;
  /** The fallback as the help shows it; by default as text. */
  readonly shown?: string;
}

export type FlagTable = Readonly<Record<string, FlagSpec<unknown>>>;
export type FlagValues<Table extends FlagTable> = {
  readonly [Name in keyof Table]: Table[Name] extends FlagSpec<infer Value> ? Value : never;
};

/** A flag with a value. */
export function flag<Value>(
  placeholder: string,
  help: string,
  fallback: Value,
  parse: (text: string) => Value,
): FlagSpec<Value> {
  return { placeholder, help, fallback, parse };
}

/** A switch in Go's manner: `--x`, `--x=true`, `-x=0`. */
export function switchFlag(help: string, fallback = false): FlagSpec<boolean> {
  return { help: fallback ? `${help} (default true)` : help, parse: parseGoBool, fallback };
}

/** What a command line says; problems are all that is wrong with it, one sentence each. */
export interface ParsedFlags<Table extends FlagTable> {
  readonly values: FlagValues<Table>;
  readonly problems: readonly string[];
}

/**
 * Go's flag syntax (package flag): `-name value`, `--name value`, `-name=value`; a switch takes its value only by `=`;
 * the last of repeated flags counts.
 */
export function parseFlags<Table extends FlagTable>(table: Table, args: readonly string[]): ParsedFlags<Table> {
  const values: Record<string, unknown> = Object.fromEntries(
    Object.entries(table).map(([name, { fallback }]) => [name, fallback]),
  );
  const problems: string[] = [];
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const problem = takeFlag(word, rest, table, values);
    if (problem !== undefined) problems.push(problem);
  }
  return { values: values as FlagValues<Table>, problems };
}

function takeFlag(word: string, rest: string[], table: FlagTable, values: Record<string, unknown>): string | undefined {
  const { name, text } = /^--?(?<name>[^-=][^=]*)(=(?<text>.*))?$/s.exec(word)?.groups ?? {};
  if (name === undefined) return `${word} is not a flag: write --name=value`;
  const spec = Object.hasOwn(table, name) ? table[name] : undefined;
  if (spec === undefined) return unknownFlag(name, table);
  const value = text ?? (spec.placeholder === undefined ? "true" : rest.shift());
  if (value === undefined) return `--${name} needs a value: --${name}=${spec.placeholder ?? ""}`;
  return setValue(name, spec, value, values);
}

function setValue(
  name: string,
  spec: FlagSpec<unknown>,
  value: string,
  values: Record<string, unknown>,
): string | undefined {
  try {
    values[name] = spec.parse(value);
    return undefined;
  } catch (error) {
    return `--${name}: ${error instanceof Error ? error.message : "cannot be read"}`;
  }
}

function unknownFlag(name: string, table: FlagTable): string {
  return `--${name} is not a flag of this command, the nearest is --${nearest(name, Object.keys(table)) ?? "help"}`;
}

/** The flags of a command, one a line. */
export function describeFlags(table: FlagTable): string {
  const rows = Object.entries(table).map(([name, { placeholder, help, fallback, shown = String(fallback) }]) => {
    const preset = placeholder === undefined || shown === "" ? "" : ` (default ${shown})`;
    return { left: `  --${name}${placeholder === undefined ? "" : `=${placeholder}`}`, right: `${help}${preset}` };
  });
  const width = Math.max(...rows.map(({ left }) => left.length)) + 2;
  return rows.map(({ left, right }) => `${left.padEnd(width)}${right}`).join("\n");
}
