import type { KubernetesObject } from "./objects.ts";

type Fields = Readonly<Record<string, unknown>>;

type Patcher = (live: KubernetesObject, patch: unknown) => KubernetesObject;

/** How a patch of this content type changes an object; undefined where it is not served: custom resources have no merge keys. */
export function patcherOf(contentType: string, isCustom: boolean): Patcher | undefined {
  if (contentType.startsWith("application/merge-patch+json")) return (live, patch) => merged(live, patch, replaced);
  if (!contentType.startsWith("application/strategic-merge-patch+json") || isCustom) return undefined;
  return (live, patch) => merged(live, patch, mergedList);
}

type JoinLists = (field: string, live: unknown, patch: readonly unknown[]) => readonly unknown[];

/** RFC 7386: maps are merged, null takes away. */
function merged<Live>(live: Live, patch: unknown, join: JoinLists): Live {
  const result = new Map(Object.entries(live as Fields));
  for (const [field, value] of Object.entries(patch as Fields)) {
    if (value === null) result.delete(field);
    else result.set(field, mergedValue(field, result.get(field), value, join));
  }
  return Object.fromEntries(result) as Live;
}

function mergedValue(field: string, live: unknown, value: unknown, join: JoinLists): unknown {
  if (Array.isArray(value)) return join(field, live, value);
  if (typeof value !== "object") return value;
  return merged(typeof live === "object" && !Array.isArray(live) ? (live ?? {}) : {}, value, join);
}

const replaced: JoinLists = (_field, _live, patch) => patch;

/** Of the lists in these objects, owner references alone have a merge key (meta/v1, patchMergeKey=uid). */
const mergedList: JoinLists = (field, live, patch) => {
  if (field !== "ownerReferences" || !Array.isArray(live)) return patch;
  const byUid = new Map((live as readonly Owner[]).map((owner) => [owner.uid, owner]));
  for (const owner of patch as readonly Owner[]) byUid.set(owner.uid, { ...byUid.get(owner.uid), ...owner });
  return [...byUid.values()];
};

interface Owner {
  readonly uid: string;
}
