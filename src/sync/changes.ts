import type { DesiredSecret, LiveSecret, Parameters, SecretChanges, SecretData } from "../model.ts";
import { appliedTo, isLater, WRITTEN_AT } from "./marks.ts";

/** A Secret that is wanted. */
export interface Wish {
  readonly desired: DesiredSecret;
  /** Whether its values are what the vault holds now; else they do not replace values of later files. */
  readonly fresh: boolean;
}

/**
 * What must change so that a Secret is as desired; undefined when nothing must. Other people's labels, annotations and
 * owners stay.
 */
export function changesOf(live: LiveSecret, wish: Wish): SecretChanges | undefined {
  const { desired } = wish;
  const applied = appliedTo(live.annotations);
  const { [WRITTEN_AT]: writtenAt = "", ...annotations } = desired.annotations;
  const data = keepsLater(live, wish) ? {} : dataChanges(live.data, desired.data);
  const redated = Object.keys(data).length > 0 || !Object.hasOwn(live.annotations, WRITTEN_AT);
  const changes = {
    labels: mapChanges(live.labels, desired.labels, applied.labels),
    annotations: {
      ...mapChanges(live.annotations, annotations, applied.annotations),
      ...(redated && { [WRITTEN_AT]: writtenAt }),
    },
    data,
    owners: desired.owners.filter(({ uid }) => !live.owners.some((owner) => owner.uid === uid)),
  };
  const nothing = Object.values(changes).every((part) => Object.keys(part).length === 0);
  return nothing ? undefined : changes;
}

/** Whether other values stay, since they are made of later files: those that are wanted may be what the vault held before. */
export function keepsLater(live: LiveSecret, { desired, fresh }: Wish): boolean {
  if (fresh || !isLater(live.annotations, desired.annotations) || !isIntact(live, desired)) return false;
  return Object.keys(dataChanges(live.data, desired.data)).length > 0;
}

/** Whether the values are those which the plugin wrote at the date of the annotation; else there is nothing to keep. */
function isIntact({ altered, data }: LiveSecret, desired: DesiredSecret): boolean {
  return !altered && Object.keys(desired.data).every((key) => Object.hasOwn(data, key));
}

/** Of what is no longer desired, only what was applied before is taken away. */
function mapChanges(live: Parameters, desired: Parameters, applied: readonly string[]): SecretChanges["labels"] {
  const stale = applied.filter((key) => Object.hasOwn(live, key) && !Object.hasOwn(desired, key));
  const wanted = Object.entries(desired).filter(([key, value]) => !Object.hasOwn(live, key) || live[key] !== value);
  return Object.fromEntries([...stale.map((key) => [key, null] as const), ...wanted]);
}

/** The values are ours alone: keys that the class does not name go. */
function dataChanges(live: SecretData, desired: SecretData): SecretChanges["data"] {
  const stale = Object.keys(live).filter((key) => !Object.hasOwn(desired, key));
  const wanted = Object.entries(desired).filter(
    ([key, value]) => !Object.hasOwn(live, key) || !equal(live[key], value),
  );
  return Object.fromEntries([...stale.map((key) => [key, null] as const), ...wanted]);
}

function equal(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}
