import { DriverError } from "../../errors.ts";
import { parseOctal } from "../../formats/go-text.ts";
import { entriesOf, int32Of, itemsOf, textOf } from "../../formats/yaml-fields.ts";
import { parseYaml } from "../../formats/yaml-text.ts";
import { withContext } from "./context.ts";

/** As many as a volume holds files (volume/payload.ts); known before anything is asked of the vault. */
export const MOST_OBJECTS = 500;
/** In characters, of the whole and of what it becomes when aliases are followed: reading more would keep all other pods waiting. */
const LONGEST_TEXT = 256 * 1024;
const kinds = ["secret", "key", "cert"] as const;
const formats = ["pem", "pfx"] as const;
const encodings = ["utf-8", "hex", "base64"] as const;

export type ObjectKind = (typeof kinds)[number];
type ObjectFormat = (typeof formats)[number];
export type ObjectEncoding = (typeof encodings)[number];

/** One object to fetch and the file to make of it (azure-provider 1.7). */
export interface KeyVaultObject {
  readonly kind: ObjectKind;
  readonly name: string;
  /** Empty: the current version. */
  readonly version: string;
  /** How many versions are wanted, from this one on; up to 1 it is this one. */
  readonly history: number;
  /** Of the file, relative to the volume. */
  readonly path: string;
  /** Permission bits of the file, 0 to 0o777. */
  readonly mode: number;
  readonly format: ObjectFormat;
  readonly encoding: ObjectEncoding;
}

/** The mode that the driver asks for where an object does not say (azure-provider 1.1). */
const defaultMode = 0o644;

/** The `objects` parameter: YAML, whose `array` holds YAML texts of one object each (azure-provider 1.6). Throws InvalidRequest. */
export function parseObjects(text: string): readonly KeyVaultObject[] {
  if (text === "") throw invalid("objects is not set");
  checkLength(text.length);
  const items = withContext("failed to yaml unmarshal objects, error: ", () => itemTexts(text));
  if (items.length > MOST_OBJECTS)
    throw invalid(
      `objects names ${items.length} objects, more than the limit of ${MOST_OBJECTS}: spread them over two volumes`,
    );
  checkLength(items.reduce((sum, item) => sum + item.length, 0));
  return items.map(parseObject);
}

function checkLength(length: number): void {
  if (length > LONGEST_TEXT)
    throw invalid(
      `objects is ${length} characters long, more than the limit of ${LONGEST_TEXT}: spread them over two volumes`,
    );
}

/** How errors name an object, as users know it. */
export function describeObject({ kind, name, version }: { kind: string; name: string; version: string }): string {
  return `objectType:${kind}, objectName:${name}, objectVersion:${version}`;
}

function itemTexts(text: string): readonly string[] {
  const items = itemsOf(entriesOf(parseYaml(text)).get("array"));
  return items.filter(({ kind }) => kind !== "null").map(textOf);
}

/** The fields of an object as written, trimmed; not yet known to make sense. */
interface ObjectFields {
  readonly kind: string;
  readonly name: string;
  readonly alias: string;
  readonly version: string;
  readonly history: number;
  readonly format: string;
  readonly encoding: string;
  readonly permission: string;
}

function parseObject(text: string, index: number): KeyVaultObject {
  const fields = withContext(`unmarshal failed for keyVaultObjects at index ${index}, error: `, () =>
    parseFields(text),
  );
  return withContext(`failed to get ${describeObject(fields)}: `, () => validateObject(fields));
}

function parseFields(text: string): ObjectFields {
  const entries = entriesOf(parseYaml(text));
  const read = (field: string): string => textOf(entries.get(field)).trim();
  return {
    kind: read("objectType"),
    name: read("objectName"),
    alias: read("objectAlias"),
    version: read("objectVersion"),
    history: int32Of(entries.get("objectVersionHistory")),
    format: read("objectFormat"),
    encoding: read("objectEncoding"),
    permission: read("filePermission"),
  };
}

/** The order of azure-provider 1.7; what it leaves to the fetch (type, empty name) comes last. */
function validateObject(fields: ObjectFields): KeyVaultObject {
  const format = parseFormat(fields);
  const encoding = parseEncoding(fields);
  const path = parsePath(fields);
  const mode = parseMode(fields.permission);
  const kind = kinds.find((known) => known === fields.kind);
  if (kind === undefined) throw invalid("Invalid vaultObjectTypes. Should be secret, key, or cert");
  if (fields.name === "") throw invalid("objectName is not set");
  // In an address these mean another place than an object of that name.
  const dots = (["name", "version"] as const).find((field) => /^\.{1,2}$/.test(fields[field]));
  if (dots !== undefined) throw invalid(`${dots === "name" ? "objectName" : "objectVersion"} must not be . or ..`);
  const { name, version, history } = fields;
  return { kind, name, version, history, path, mode, format, encoding };
}

function parseFormat({ format, kind }: ObjectFields): ObjectFormat {
  const known = formats.find((one) => one === (format.toLowerCase() || "pem"));
  if (known === undefined) throw invalid(`invalid objectFormat: ${format}, should be PEM or PFX`);
  // Only as written in lower case: "PFX" on a key or certificate is let through and means nothing, as ever.
  if (format === "pfx" && kind !== "secret") throw invalid("PFX format only supported for objectType: secret");
  return known;
}

function parseEncoding({ encoding, kind }: ObjectFields): ObjectEncoding {
  if (encoding !== "" && kind !== "secret") throw invalid("objectEncoding only supported for objectType: secret");
  const known = encodings.find((one) => one === (encoding.toLowerCase() || "utf-8"));
  if (known === undefined) throw invalid(`invalid objectEncoding: ${encoding}, should be hex, base64 or utf-8`);
  return known;
}

function parsePath({ alias, name }: ObjectFields): string {
  const path = alias || name;
  if (path === "") throw invalid("file name must not be empty");
  if (path.startsWith("/")) throw invalid("file name must be a relative path");
  if (path.includes("..")) throw invalid("file name must not contain '..'");
  return path;
}

function parseMode(permission: string): number {
  if (permission === "") return defaultMode;
  const mode = withContext("file permission must be a valid octal number: ", () => parseOctal(permission));
  if (mode < 0 || mode > 0o777) {
    throw invalid(`file permission must be a valid octal number: ${permission} is not between 0000 and 0777`);
  }
  return mode;
}

function invalid(message: string): DriverError {
  return new DriverError("InvalidRequest", message);
}
