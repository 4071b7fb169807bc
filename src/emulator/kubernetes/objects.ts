import { randomUUID } from "node:crypto";

/** A namespaced Kubernetes object; its kind is known by where it is kept. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly [field: string]: unknown;
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** Which object: `plural` as in the path. */
export interface ObjectKey {
  readonly plural: string;
  readonly namespace: string;
  readonly name: string;
}

/** The objects of the cluster. */
export interface ObjectStore {
  get(key: ObjectKey): KubernetesObject | undefined;
  /** Stores the object; a new one gets UID and creation time, each change a resource version. Equal content is no change. */
  put(key: ObjectKey, object: KubernetesObject): KubernetesObject;
  delete(key: ObjectKey): boolean;
}

export function createObjectStore(): ObjectStore {
  const objects = new Map<string, KubernetesObject>();
  let revision = 0;
  return {
    get: (key) => objects.get(pathOf(key)),
    put: (key, object) => {
      const old = objects.get(pathOf(key));
      const { uid, creationTimestamp, resourceVersion } = old?.metadata ?? {};
      const kept = {
        uid: uid ?? object.metadata.uid ?? randomUUID(),
        creationTimestamp: creationTimestamp ?? new Date().toISOString(),
      };
      const same = { ...object, metadata: { ...object.metadata, ...kept, resourceVersion } };
      if (old !== undefined && JSON.stringify(sorted(old)) === JSON.stringify(sorted(same))) return old;
      const stored = { ...object, metadata: { ...object.metadata, ...kept, resourceVersion: String((revision += 1)) } };
      objects.set(pathOf(key), stored);
      return stored;
    },
    delete: (key) => objects.delete(pathOf(key)),
  };
}

function pathOf({ plural, namespace, name }: ObjectKey): string {
  return `${plural}/${namespace}/${name}`;
}

/** Keys in order, so that equal content has equal text. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, sorted(item)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
