/**
 * Text as Go's standard library reads it: users wrote their settings and secrets against that strictness, and they
 * search for its error texts. No error quotes a byte of a secret.
 */
import { DriverError } from "../errors.ts";

const truths: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "TRUE", "true", "True"].map((text) => [text, true] as const),
  ...["0", "f", "F", "FALSE", "false", "False"].map((text) => [text, false] as const),
]);

/** strconv.ParseBool (azure-provider 1.4); throws InvalidRequest with Go's text. */
export function parseGoBool(text: string): boolean {
  const truth = truths.get(text);
  if (truth === undefined) throw invalid(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
  return truth;
}

/** strconv.ParseInt with base 8 and 32 bits (azure-provider 4.8); throws InvalidRequest with Go's text. */
export function parseOctal(text: string): number {
  if (!/^[+-]?[0-7]+$/.test(text)) throw invalid(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  const value = Number.parseInt(text, 8);
  if (!isInt32(value)) throw invalid(`strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`);
  return value;
}

/** Whether Go's int32 holds the number. */
export function isInt32(value: number): boolean {
  return value >= -(2 ** 31) && value < 2 ** 31;
}

const unitsMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "\u00b5s": 1e-3,
  "\u03bcs": 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** time.ParseDuration (csi-driver 7.3) in milliseconds: `2m`, `90s`, `1h30m`, `1.5h`; throws InvalidRequest with Go's text. */
export function parseDurationMs(text: string): number {
  const [, sign = "", rest = ""] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (rest === "0") return 0;
  const parts = rest.match(/(\d+\.?\d*|\.\d+)[^\d.]*/g) ?? [];
  if (parts.length === 0 || parts.join("") !== rest) throw invalid(`time: invalid duration ${JSON.stringify(text)}`);
  const ms = parts.reduce((sum, part) => sum + partMs(part, text), 0);
  return sign === "-" ? -ms : ms;
}

function partMs(part: string, whole: string): number {
  const [, number = "", unit = ""] = /^([\d.]+)(.*)$/s.exec(part) ?? [];
  if (unit === "") throw invalid(`time: missing unit in duration ${JSON.stringify(whole)}`);
  const length = Object.hasOwn(unitsMs, unit) ? unitsMs[unit] : undefined;
  if (length === undefined)
    throw invalid(`time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(whole)}`);
  return Number(number) * length;
}

/**
 * base64.StdEncoding (azure-provider 4.6): standard alphabet, padding demanded, CR and LF ignored, bits behind the last
 * byte ignored. Node's own decoder takes nearly anything, so the text is judged first.
 */
export function decodeBase64(text: string): Uint8Array {
  const symbols = text.replaceAll(/[\r\n]/g, "");
  const bad = illegalByte(text, symbols);
  if (bad !== undefined) throw invalid(`illegal base64 data at input byte ${bad}`);
  return Buffer.from(symbols, "base64");
}

/** encoding/hex (azure-provider 4.6): even length, either case, nothing else. Go names the bad character; we must not. */
export function decodeHex(text: string): Uint8Array {
  const bad = text.search(/[^0-9a-fA-F]/);
  if (bad >= 0) throw invalid(`encoding/hex: invalid byte at position ${bad}`);
  if (text.length % 2 === 1) throw invalid("encoding/hex: odd length hex string");
  return Buffer.from(text, "hex");
}

/** Where Go stops: at a foreign symbol, at padding in the wrong place, or as far from the end as an unfinished group is long. */
function illegalByte(text: string, symbols: string): number | undefined {
  const data = symbols.search(/[^A-Za-z0-9+/]|$/);
  const padding = /^=*/.exec(symbols.slice(data))?.[0].length ?? 0;
  const inLastGroup = data % 4;
  if (data === symbols.length) return inLastGroup === 0 ? undefined : text.length - inLastGroup;
  if (padding === 0 || inLastGroup < 2) return positionWithLineBreaks(text, data);
  const wanted = 4 - inLastGroup;
  const next = data + Math.min(padding, wanted);
  if (next < symbols.length) return positionWithLineBreaks(text, next) - (padding < wanted ? 1 : 0);
  return padding < wanted ? text.length : undefined;
}

function positionWithLineBreaks(text: string, symbol: number): number {
  let seen = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "\r" || text[at] === "\n") continue;
    if (seen === symbol) return at;
    seen++;
  }
  return text.length;
}

function invalid(message: string): DriverError {
  return new DriverError("InvalidRequest", message);
}
