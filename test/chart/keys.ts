import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { chartDir } from "./helm.ts";
import { nested } from "./provider-rows.ts";

/** What a value does to the manifests: `is` stands at `at` of the first object of that kind, or among what is listed there. */
interface Shown {
  readonly in: string;
  readonly at: string;
  readonly is: unknown;
}

/** An entry of the chart's files/keys.yaml, which says what the fields are. */
export interface Key {
  readonly key: string;
  readonly pair?: unknown;
  readonly pairAlso?: unknown;
  readonly unused?: string;
  readonly alone?: string;
  readonly isolated?: boolean;
  readonly try?: unknown;
  readonly with?: Record<string, unknown>;
  readonly shows?: Shown;
}

export const keys = parse(readFileSync(`${chartDir}/files/keys.yaml`, "utf8")) as readonly Key[];

/** What must be set for the key to say something; and with its other value. */
export function valuesFor(key: Key): { before: Record<string, unknown>; after: Record<string, unknown> } {
  const before = merged(key.alone ? nested("secrets-store-csi-driver.install", false) : {}, key.with ?? {});
  return { before, after: merged(before, nested(key.key, otherValue(key))) };
}

/** A value that the pair does not have by default. */
export function otherValue({ try: given, pair }: Key): unknown {
  if (given !== undefined) return given;
  if (typeof pair === "boolean") return !pair;
  if (typeof pair === "number") return pair + 1;
  if (typeof pair === "string") return `${pair}x`;
  return Array.isArray(pair) ? [{ other: "x" }] : { other: "x" };
}

function merged(left: Record<string, unknown>, right: Record<string, unknown>): Record<string, unknown> {
  const all = { ...left };
  for (const [name, value] of Object.entries(right)) {
    const old = all[name];
    all[name] = isMap(old) && isMap(value) ? merged(old, value) : value;
  }
  return all;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
