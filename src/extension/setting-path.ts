/** One step into a chart's values: a key of a map, or a place in a list. */
export type Step = string | number;

/** A place in a chart's values. */
export type SettingPath = readonly Step[];

/**
 * Helm's way to write a place: `a.b`, `list[0].name`, and `labels.example\.com/team` for a key with a dot in it.
 * Undefined for what is no place.
 */
export function parsePath(text: string): SettingPath | undefined {
  const steps: Step[] = [];
  const pieces = /(?<name>(?:[^.[\]\\]|\\.)+)(?<places>(?:\[\d{1,5}\])*)(?<more>\.?)/sy;
  let expected = true;
  while (expected) {
    const { name, places = "", more } = pieces.exec(text)?.groups ?? {};
    if (name === undefined) return undefined;
    steps.push(name.replaceAll(/\\(.)/gs, "$1"));
    for (const [, place] of places.matchAll(/\[(\d+)\]/g)) steps.push(Number(place));
    expected = more === ".";
    if (!expected && pieces.lastIndex < text.length) return undefined;
  }
  return steps;
}

/** The same place, as it would be written. */
export function printPath(path: SettingPath): string {
  return path
    .map((step) => (typeof step === "number" ? `[${step}]` : `.${step.replaceAll(/[.[\]\\]/g, "\\$&")}`))
    .join("")
    .replace(/^\./, "");
}

/** Whether a place, as it is printed, is another or in it. */
export function isAtOrBelow(name: string, other: string): boolean {
  return name === other || name.startsWith(`${other}.`) || name.startsWith(`${other}[`);
}
