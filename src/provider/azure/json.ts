/** The text at a path of a parsed JSON value; undefined where there is none. For values whose shape nobody vouches for. */
export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  let here: unknown = value;
  for (const name of path) here = memberOf(here, name);
  return typeof here === "string" ? here : undefined;
}

/** A member of a JSON object; undefined for everything else. */
export function memberOf(value: unknown, name: string): unknown {
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** Whether a parsed JSON value is an object. */
export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A parsed text; undefined when it is no JSON. The parser's own error is dropped: it quotes the text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
