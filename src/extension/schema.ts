import type { SettingPath } from "./setting-path.ts";
import { isMap } from "./values.ts";

/** What is read of a JSON schema: that of the chart's values. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly $ref?: string;
  readonly definitions?: Readonly<Record<string, Schema>>;
}

/** What is said of a place; nothing is said of what is free. */
export function schemaAt(root: Schema, path: SettingPath): Schema {
  const known = (schema: Schema | undefined): Schema => {
    const name = schema?.$ref?.replace("#/definitions/", "");
    return (name === undefined ? schema : root.definitions?.[name]) ?? {};
  };
  return path.reduce<Schema>((schema, step) => {
    if (typeof step === "number") return known(schema.items);
    const { properties = {}, additionalProperties: others } = schema;
    if (Object.hasOwn(properties, step)) return known(properties[step]);
    return typeof others === "object" ? known(others) : {};
  }, root);
}

/** The types that are allowed; none where that is not said. */
export function typesOf({ type }: Schema): readonly string[] {
  return type === undefined ? [] : [type].flat();
}

/**
 * A value that was written as text, in the type that the schema wants, as `helm --set` would make it. Throws an Error
 * that says what is wanted, and never the text.
 */
export function typed(text: string, schema: Schema): unknown {
  if (schema.enum) return oneOf(text, schema.enum);
  const types = typesOf(schema);
  const scalar = scalarOf(text);
  if (types.length === 0 || (types.includes("boolean") && typeof scalar === "boolean")) return scalar;
  if (types.includes("integer") && typeof scalar === "number") return withinBounds(scalar, schema);
  if (types.includes("string")) return fitting(text, schema.pattern);
  return structured(text, types, schema);
}

/** Lists and maps are written in JSON; scalars have been looked for before. */
function structured(text: string, types: readonly string[], schema: Schema): unknown {
  if (types.includes("array"))
    return parsedAs(text, Array.isArray, "a list in JSON, or its places one by one: name[0]=…");
  if (types.includes("object")) return parsedAs(text, isMap, "a map in JSON, or its keys one by one: name.key=…");
  throw new Error(types.includes("boolean") ? "true or false" : wantedNumber(schema));
}

/** As `helm --set` reads what nothing more is known of. */
function scalarOf(text: string): unknown {
  if (text === "true" || text === "false") return text === "true";
  return /^(0|-?[1-9]\d{0,14})$/.test(text) ? Number(text) : text;
}

function oneOf(text: string, allowed: readonly unknown[]): unknown {
  const found = [scalarOf(text), text].find((value) => allowed.includes(value));
  if (found === undefined)
    throw new Error(`one of ${[...new Set(allowed.map((value) => String(value) || '""'))].join(", ")}`);
  return found;
}

function withinBounds(value: number, schema: Schema): number {
  const { minimum = -Infinity, maximum = Infinity } = schema;
  if (value < minimum || value > maximum) throw new Error(wantedNumber(schema));
  return value;
}

function wantedNumber({ minimum, maximum }: Schema): string {
  if (minimum === undefined) return "a whole number";
  return maximum === undefined ? `a whole number from ${minimum}` : `a whole number from ${minimum} to ${maximum}`;
}

function fitting(text: string, pattern: string | undefined): string {
  if (pattern !== undefined && !new RegExp(pattern, "u").test(text)) throw new Error(`text that fits ${pattern}`);
  return text;
}

function parsedAs(text: string, fits: (value: unknown) => boolean, wanted: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Not told further: the parser quotes the text.
  }
  if (!fits(value)) throw new Error(wanted);
  return value;
}
