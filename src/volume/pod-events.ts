import { DriverError, messageOf } from "../errors.ts";
import type { EventReason, ObjectVersion, PodEvent, Volume } from "../model.ts";
import type { SecretOutcome } from "../sync/sync.ts";

/** When Secrets are mirrored: after the first write of a volume, after a rotation, or by the periodic repair. */
export type Occasion = "publish" | "rotation" | "repair";

/** In bytes of UTF-8: Kubernetes takes no longer note of an event. */
const LONGEST_MESSAGE = 1024;
const CUT = "…";
const MOST_OBJECTS = 10;

/** The content of a volume changed: which objects, to which version. */
export function rotated(
  { className }: Volume,
  before: readonly ObjectVersion[] | undefined,
  after: readonly ObjectVersion[],
): PodEvent {
  // Where nobody knows what was there before, all that is there now may be new.
  const changes = changesOf(before ?? [], after);
  const told = changes.length === 0 ? "the same versions, in other files or encoded otherwise" : listed(changes);
  return normal("MountRotationComplete", `mounted content of SecretProviderClass ${className} was rotated: ${told}`);
}

function changesOf(before: readonly ObjectVersion[], after: readonly ObjectVersion[]): readonly string[] {
  const then = new Map(before.map(({ id, version }) => [id, version]));
  const now = new Map(after.map(({ id, version }) => [id, version]));
  const news = [...now].filter(([id, version]) => then.get(id) !== version);
  const gone = [...then.keys()].filter((id) => !now.has(id));
  return [...news.map(([id, version]) => `${id} is version ${version}`), ...gone.map((id) => `${id} is gone`)];
}

function listed(changes: readonly string[]): string {
  const more = changes.length - MOST_OBJECTS;
  return [...changes.slice(0, MOST_OBJECTS), ...(more > 0 ? [`${more} more`] : [])].join(", ");
}

/** A refresh works again after one that failed. */
export function recovered({ className }: Volume): PodEvent {
  return normal("MountRotationComplete", `mounted content of SecretProviderClass ${className} is up to date again`);
}

/** A volume could not be brought up to date. */
export function refreshFailed(error: unknown): PodEvent {
  const isSlow = error instanceof DriverError && error.reason === "DeadlineExceeded";
  const why = isSlow ? "the refresh did not end within one rotation interval" : messageOf(error);
  return warning("MountRotationFailed", `${why}; the mounted content stays as it is`);
}

/** Kubelet stopped to hand over credentials. */
export function credentialsDropped({ className }: Volume): PodEvent {
  return warning(
    "MountRotationFailed",
    `mounted content of SecretProviderClass ${className} is not refreshed any more: kubelet handed over no credentials for 15 minutes; ` +
      "check the Secret that nodePublishSecretRef of the pod names, and that the CSIDriver has requiresRepublish: true",
  );
}

/** The pod status of a good volume could not be written. */
export function unreported({ pod }: Volume, error: unknown): PodEvent {
  const beginning = `failed to create secret provider class pod status for pod ${pod.namespace}/${pod.name}, will try again`;
  return warning("MountRotationFailed", `${beginning}: ${messageOf(error)}`);
}

const failures: Readonly<Record<Occasion, EventReason>> = {
  publish: "FailedToCreateSecret",
  rotation: "SecretRotationFailed",
  repair: "FailedToCreateSecret",
};

/** What became of one Secret, where it is worth an event: not each first creation, and never what stayed as it was. */
export function secretEvent({ secretName, outcome, error }: SecretOutcome, occasion: Occasion): PodEvent | undefined {
  if (outcome === "failed" || outcome === "refused")
    return warning(
      failures[occasion],
      messageOf(error ?? new DriverError("InvalidRequest", `secret ${secretName} was refused`)),
    );
  // Another owner or label is no news to a pod.
  if (outcome === "unchanged" || outcome === "marked" || occasion === "publish") return undefined;
  // Whether it was deleted, or its first creation was owed, nobody knows.
  if (outcome === "created") return normal("SecretRotationComplete", `secret ${secretName} was missing and is created`);
  const did = occasion === "rotation" ? "follows the rotated content" : "was altered and is restored";
  return normal("SecretRotationComplete", `secret ${secretName} ${did}`);
}

/** Secrets could not even be tried. */
export function syncFailed(error: unknown, occasion: Occasion): PodEvent {
  return warning(failures[occasion], `failed to sync Kubernetes Secrets: ${messageOf(error)}`);
}

function normal(reason: EventReason, message: string): PodEvent {
  return { type: "Normal", reason, message: cut(message) };
}

function warning(reason: EventReason, message: string): PodEvent {
  return { type: "Warning", reason, message: cut(message) };
}

function cut(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.length <= LONGEST_MESSAGE) return message;
  const begin = bytes.subarray(0, LONGEST_MESSAGE - Buffer.byteLength(CUT));
  // As a stream, half a character at the end is waited for and not told.
  return `${new TextDecoder().decode(begin, { stream: true })}${CUT}`;
}
