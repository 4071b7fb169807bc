import { randomBytes } from "node:crypto";

/** A value that may stand in no place but the volume; neither base64 nor hex by chance. */
export function createCanary(): string {
  return `${randomBytes(18).toString("base64url")}~${randomBytes(18).toString("base64url")}`;
}

/** Where something was found that should not be there: a place, and in which form. */
export interface Leak {
  readonly place: string;
  readonly form: string;
}

/**
 * Looks for every 8-character window of the canaries, and for windows of their base64, hex and percent-encoding, in
 * texts by place. Windows of encodings are those of 8 encoded bytes, so that chance finds nothing.
 */
export function findLeaks(canaries: readonly string[], places: Readonly<Record<string, string>>): readonly Leak[] {
  const formOf = new Map<string, string>();
  for (const canary of canaries)
    for (const [form, windows] of Object.entries(formsOf(canary)))
      for (const window of windows) formOf.set(window, form);
  const lengths = new Set([...formOf.keys()].map(({ length }) => length));
  return Object.entries(places).flatMap(([place, text]) => {
    const windows = [...lengths].flatMap((length) => windowsOf(text, length));
    const forms = new Set(windows.map((window) => formOf.get(window)).filter((form) => form !== undefined));
    return [...forms].map((form) => ({ place, form }));
  });
}

function formsOf(canary: string): Record<string, readonly string[]> {
  const bytes = Buffer.from(canary);
  const hex = bytes.toString("hex");
  const percent = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  // Base64 of a text looks different at each of three offsets within what surrounds it.
  const base64 = [0, 1, 2].flatMap((offset) =>
    windowsOf(bytes.subarray(offset).toString("base64").replace(/=+$/, "").slice(0, -2), 11),
  );
  return {
    plain: windowsOf(canary, 8),
    base64,
    base64url: base64.map((window) => window.replaceAll("+", "-").replaceAll("/", "_")),
    hex: [...windowsOf(hex, 16), ...windowsOf(hex.toUpperCase(), 16)],
    percent: [...windowsOf(percent, 24), ...windowsOf(percent.toUpperCase(), 24)],
  };
}

function windowsOf(text: string, length: number): string[] {
  return Array.from({ length: Math.max(0, text.length - length + 1) }, (_, at) => text.slice(at, at + length));
}
