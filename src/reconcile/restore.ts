import type { KubernetesObject } from "../release-model.ts";
import type { Objects } from "../release-ports.ts";
import { driftOf } from "./drift.ts";
import { wantedOf } from "./wanted.ts";

/** What was done to an object. */
export interface Restored {
  readonly how: "created" | "changed" | "replaced";
  /** Of the fields that had strayed. */
  readonly paths: readonly string[];
}

/**
 * Brings one object to its desired state; undefined where there was nothing to do. Values come back by apply, under Helm's name, so
 * that a Helm that applies meets none but its own fields; what was added goes by a replacement, and leaves no owner.
 */
export async function restore(
  desired: KubernetesObject,
  objects: Objects,
  signal: AbortSignal,
): Promise<Restored | undefined> {
  const live = await objects.read(desired, signal);
  // One that is going is looked at again when it is gone.
  if (live?.metadata.deletionTimestamp !== undefined) return undefined;
  const drift = live === undefined ? "absent" : await driftBetween(desired, live, objects, signal);
  if (typeof drift !== "string" && drift.length === 0) return undefined;
  if (live !== undefined && drift === "immutable") await objects.delete(live, signal);
  const applied = await objects.apply(desired, signal);
  await takeBackAdditions(desired, applied, objects, signal);
  if (typeof drift !== "string") return { how: "changed", paths: drift };
  return { how: drift === "absent" ? "created" : "replaced", paths: [] };
}

async function driftBetween(
  desired: KubernetesObject,
  live: KubernetesObject,
  objects: Objects,
  signal: AbortSignal,
): Promise<readonly string[] | "immutable"> {
  const rehearsed = await objects.rehearse(wantedOf(desired, live), signal);
  return rehearsed === "immutable" ? rehearsed : driftOf(desired, rehearsed, live);
}

async function takeBackAdditions(
  desired: KubernetesObject,
  live: KubernetesObject,
  objects: Objects,
  signal: AbortSignal,
): Promise<void> {
  const drift = await driftBetween(desired, live, objects, signal);
  if (drift !== "immutable" && drift.length > 0) await objects.replace(wantedOf(desired, live), signal);
}
