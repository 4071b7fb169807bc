import { CommandError } from "../errors.ts";
import { nearest } from "../formats/nearest.ts";
import { evaluateAll, type Parameter } from "./arm-expression.ts";
import { isMap } from "./values.ts";

export type Fields = Readonly<Record<string, unknown>>;

/** What of a template is not understood, or is not there. */
export function refused(what: string): CommandError {
  return new CommandError(what, { remedy: "docs/extension.md shows the template that is taken", exit: 2 });
}

/** Throws for a field that nobody reads here. */
export function refuseOthers(where: string, fields: Fields, allowed: readonly string[]): void {
  const other = Object.keys(fields).find((name) => !allowed.includes(name));
  if (other !== undefined) throw refused(`${where} has ${JSON.stringify(other)}, which is not taken`);
}

/** Parameters of a template by name, in any case: what was given, else their defaults. Throws CommandError. */
export function parametersOf(declared: unknown, given: readonly (readonly [string, string])[]): Parameter {
  const entries = isMap(declared) ? Object.entries(declared) : [];
  const byName = new Map(entries.map(([name, fields]) => [name.toLowerCase(), { name, fields }]));
  const values = new Map<string, string>();
  for (const [name, text] of given) {
    if (!byName.has(name.toLowerCase())) throw unknownParameter(name, entries);
    values.set(name.toLowerCase(), text);
  }
  return (name) => {
    const found = byName.get(name.toLowerCase());
    if (found === undefined) throw refused(`the template has no parameter ${JSON.stringify(name)}`);
    return valueOf(found.name, isMap(found.fields) ? found.fields : {}, values.get(name.toLowerCase()));
  };
}

function unknownParameter(name: string, entries: readonly (readonly [string, unknown])[]): CommandError {
  const meant = nearest(
    name,
    entries.map(([known]) => known),
  );
  const hint = meant === undefined ? "it has none" : `the nearest is ${meant}`;
  return refused(`the template has no parameter ${JSON.stringify(name)}: ${hint}`);
}

function valueOf(name: string, fields: Fields, given: string | undefined): unknown {
  refuseOthers(`parameter ${name}`, fields, ["type", "defaultValue", "allowedValues", "metadata"]);
  const { type, defaultValue, allowedValues } = fields;
  const value = given === undefined ? defaultOf(name, defaultValue) : inType(name, type, given);
  if (Array.isArray(allowedValues) && !allowedValues.includes(value))
    throw refused(`parameter ${name} takes one of ${allowedValues.map(String).join(", ")}`);
  return value;
}

function defaultOf(name: string, value: unknown): unknown {
  if (value === undefined)
    throw new CommandError(`parameter ${name} has no value`, { remedy: `add --parameters ${name}=VALUE`, exit: 2 });
  const none = (): never => {
    throw refused(`the default of parameter ${name} names a parameter`);
  };
  return evaluateAll(value, none, `parameters.${name}.defaultValue`);
}

/** Never quotes the text: it may be a secret. */
function inType(name: string, type: unknown, text: string): unknown {
  const kind = typeof type === "string" ? type.toLowerCase() : "";
  if (kind === "string" || kind === "securestring") return text;
  if (kind === "bool" && /^(true|false)$/i.test(text)) return text.toLowerCase() === "true";
  if (kind === "int" && /^-?\d{1,15}$/.test(text)) return Number(text);
  if (!["bool", "int"].includes(kind))
    throw refused(`parameter ${name} is of type ${String(type)}, which is not taken`);
  throw refused(`parameter ${name} takes ${kind === "bool" ? "true or false" : "a whole number"}`);
}
