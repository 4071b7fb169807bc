import { DriverError } from "../errors.ts";
import type { Parameters } from "../model.ts";

/** JSON's white space and nothing else (RFC 8259). */
const NUMBER = /^[ \t\r\n]*(0|[1-9]\d*)[ \t\r\n]*$/;

/**
 * JSON, name → text, as Go decodes it into a map of strings: null is no map, a null value is empty, the last of equal names
 * counts, lone surrogates are replaced. Throws InvalidRequest in Go's words where those quote nothing: the text may be
 * secrets, and Node's parser quotes what it reads.
 */
export function parseTexts(json: string): Parameters | undefined {
  const parsed = parse(json);
  if (parsed === null) return undefined;
  if (typeof parsed !== "object" || Array.isArray(parsed)) throw notInto(parsed, "map[string]string");
  return Object.fromEntries(Object.entries(parsed).map(([name, value]) => [name.toWellFormed(), textOf(value)]));
}

/** JSON of permission bits: a plain decimal number, no sign, point or exponent; null is 0. Throws InvalidRequest. */
export function parseMode(json: string): number {
  const parsed = parse(json);
  if (parsed === null) return 0;
  if (typeof parsed !== "number") throw notInto(parsed, "fs.FileMode");
  const mode = Number(NUMBER.exec(json)?.[1] ?? Number.NaN);
  if (!(mode <= 0o777)) throw invalid("it must be a whole number from 0 to 511 (0777 octal)");
  return mode;
}

function parse(json: string): unknown {
  if (json.trim() === "") throw invalid("unexpected end of JSON input");
  try {
    return JSON.parse(json);
  } catch {
    throw invalid("it is no JSON");
  }
}

function textOf(value: unknown): string {
  if (value === null) return "";
  if (typeof value !== "string") throw notInto(value, "string");
  return value.toWellFormed();
}

function notInto(value: unknown, type: string): DriverError {
  const kind = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
  return invalid(`json: cannot unmarshal ${kind} into Go value of type ${type}`);
}

function invalid(message: string): DriverError {
  return new DriverError("InvalidRequest", message);
}
