import type { OwnerReference, Parameters } from "../model.ts";

/** What the API server knows of any object. Fields that are not of the API's own form are taken for absent. */
export interface Metadata {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels: Parameters;
  readonly annotations: Parameters;
  /** With all that whoever wrote them said. */
  readonly owners: readonly OwnerReference[];
  /** Deleted already, and kept for somebody's finalizer or a grace period. */
  readonly terminating: boolean;
}

export function parseMetadata(body: unknown): Metadata {
  const found = (body as { metadata?: Readonly<Record<string, unknown>> } | null)?.metadata ?? {};
  const { uid, resourceVersion, labels, annotations, ownerReferences, deletionTimestamp } = found;
  return {
    uid: textOf(uid),
    resourceVersion: textOf(resourceVersion),
    labels: stringsIn(labels),
    annotations: stringsIn(annotations),
    owners: Array.isArray(ownerReferences) ? ownerReferences.filter(isOwner) : [],
    terminating: typeof deletionTimestamp === "string",
  };
}

/** The entries of a map that are strings. */
export function stringsIn(value: unknown): Parameters {
  const entries = Object.entries(typeof value === "object" && value !== null ? value : {});
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function isOwner(value: unknown): value is OwnerReference {
  const names = ["apiVersion", "kind", "name", "uid"];
  if (typeof value !== "object" || value === null) return false;
  const fields = value as Readonly<Record<string, unknown>>;
  return names.every((name) => typeof fields[name] === "string");
}
