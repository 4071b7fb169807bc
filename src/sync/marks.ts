import type { LiveSecret, Parameters, SecretObject } from "../model.ts";

/** By this label the established driver knows its Secrets, and so do we. */
export const MANAGED = "secrets-store.csi.k8s.io/managed";
/** Name of the class that the Secret mirrors; Secrets of the established driver have none yet. */
export const CLASS = "secrets-store.csi.k8s.io/secret-provider-class";
/** Which labels and annotations came from the class: those alone are taken away when it no longer names them. */
const APPLIED = "secrets-store.csi.k8s.io/applied";

/** When the files were written that the values are made of, to the second. */
export const WRITTEN_AT = "secrets-store.csi.k8s.io/files-written-at";

/** Labels and annotations of the Secret that a secretObject asks for. */
export function marksOf(
  object: SecretObject,
  className: string,
  writtenAt: Date,
): Pick<LiveSecret, "labels" | "annotations"> {
  const applied = [...namesOf("labels", object.labels), ...namesOf("annotations", object.annotations)];
  return {
    labels: { ...object.labels, [MANAGED]: "true" },
    annotations: {
      ...object.annotations,
      [CLASS]: className,
      [WRITTEN_AT]: `${writtenAt.toISOString().slice(0, 19)}Z`,
      ...(applied.length > 0 && { [APPLIED]: applied.join(" ") }),
    },
  };
}

/** Keys of labels and annotations that an earlier version of the class brought. */
export function appliedTo(annotations: Parameters): Readonly<Record<"labels" | "annotations", readonly string[]>> {
  const names = (annotations[APPLIED] ?? "").split(" ");
  const of = (part: string): readonly string[] =>
    names.filter((name) => name.startsWith(`${part}/`)).map((name) => name.slice(part.length + 1));
  return { labels: of("labels"), annotations: [...of("annotations"), APPLIED] };
}

/** Whether the values of one Secret are made of later files than those of another; what has no readable time is older. */
export function isLater(one: Parameters, other: Parameters): boolean {
  return timeOf(one) > timeOf(other);
}

function timeOf(annotations: Parameters): number {
  const ms = Date.parse(annotations[WRITTEN_AT] ?? "");
  return Number.isNaN(ms) ? -Infinity : ms;
}

function namesOf(part: string, map: Parameters): readonly string[] {
  return Object.keys(map)
    .sort()
    .map((key) => `${part}/${key}`);
}
