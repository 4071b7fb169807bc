import type { Parameters } from "../model.ts";
import type { KubernetesObject } from "../release-model.ts";

/** What others have a say in is compared apart, or not at all. */
const aside = ["apiVersion", "kind", "metadata", "status"];

/**
 * Paths of fields in which a live object differs from what the API server would store in its place. Of labels and annotations
 * only those that the desired object names: others are other people's. What a webhook does to every write is in both.
 */
export function driftOf(
  desired: KubernetesObject,
  rehearsed: KubernetesObject,
  live: KubernetesObject,
): readonly string[] {
  const marks = (["labels", "annotations"] as const).flatMap((kind) =>
    differentMarks(`metadata.${kind}`, desired.metadata[kind], rehearsed.metadata[kind], live.metadata[kind]),
  );
  return [...marks, ...differences(without(rehearsed), without(live), "")];
}

function differentMarks(
  path: string,
  desired: Parameters = {},
  a: Parameters = {},
  b: Parameters = {},
): readonly string[] {
  return Object.keys(desired)
    .filter((name) => a[name] !== b[name])
    .map((name) => `${path}.${name}`);
}

function without(object: KubernetesObject): object {
  return Object.fromEntries(Object.entries(object).filter(([field]) => !aside.includes(field)));
}

/** Lists of different lengths are one difference; others are compared item by item. */
function differences(a: unknown, b: unknown, path: string): readonly string[] {
  if (Object.is(a, b)) return [];
  if (!isCompound(a) || !isCompound(b) || !alike(a, b)) return [path];
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return names.flatMap((name) => differences(a[name], b[name], path === "" ? name : `${path}.${name}`));
}

function isCompound(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function alike(a: object, b: object): boolean {
  return Array.isArray(a) ? Array.isArray(b) && a.length === b.length : !Array.isArray(b);
}
