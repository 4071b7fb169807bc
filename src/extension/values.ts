import type { ChartValues } from "../model.ts";
import { printPath, type SettingPath } from "./setting-path.ts";

/** The values with one more. What stands in the way, a scalar where a map is needed, goes. */
export function withValue(values: ChartValues, path: SettingPath, value: unknown): ChartValues {
  return placed(values, path, value) as ChartValues;
}

function placed(tree: unknown, [step, ...rest]: SettingPath, value: unknown): unknown {
  if (step === undefined) return value;
  if (typeof step === "number") {
    const items: readonly unknown[] = Array.isArray(tree) ? tree : [];
    // Places before it that nobody filled are null, as with Helm.
    return Array.from({ length: Math.max(items.length, step + 1) }, (_, index) =>
      index === step ? placed(items[index], rest, value) : (items[index] ?? null),
    );
  }
  const map = isMap(tree) ? tree : {};
  const inner = Object.hasOwn(map, step) ? map[step] : undefined;
  return Object.fromEntries([
    ...Object.entries(map).filter(([name]) => name !== step),
    [step, placed(inner, rest, value)],
  ]);
}

/** The values without what stands at a place, and without maps that are empty then. */
export function withoutValue(values: ChartValues, [step, ...rest]: SettingPath): ChartValues {
  if (step === undefined || !Object.hasOwn(values, step)) return values;
  const others = Object.entries(values).filter(([name]) => name !== step);
  const inner = values[step];
  if (rest.length === 0 || !isMap(inner))
    return Object.fromEntries(rest.length === 0 ? others : Object.entries(values));
  const left = withoutValue(inner, rest);
  return Object.fromEntries(Object.keys(left).length === 0 ? others : [...others, [step, left]]);
}

/** What stands at a place; undefined where nothing does. */
export function valueAt(values: ChartValues, path: SettingPath): unknown {
  return path.reduce<unknown>((tree, step) => {
    if (typeof step === "number") return Array.isArray(tree) ? (tree[step] as unknown) : undefined;
    return isMap(tree) && Object.hasOwn(tree, step) ? tree[step] : undefined;
  }, values);
}

/** Settings as a user would write them, in order of their names: lists and empty maps as JSON, all else as its text. */
export function settingsIn(values: ChartValues): readonly (readonly [name: string, text: string])[] {
  return leavesOf(values, []).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function leavesOf(values: ChartValues, path: SettingPath): readonly (readonly [string, string])[] {
  return Object.entries(values).flatMap(([name, value]): readonly (readonly [string, string])[] => {
    const inner = [...path, name];
    if (isMap(value) && Object.keys(value).length > 0) return leavesOf(value, inner);
    return [[printPath(inner), typeof value === "string" ? value : JSON.stringify(value)]];
  });
}

export function isMap(value: unknown): value is ChartValues {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
