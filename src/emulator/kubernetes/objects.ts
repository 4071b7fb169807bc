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
  /** All of a kind, in whatever namespace. */
  list(plural: string): readonly KubernetesObject[];
  /** Stores the object; a new one gets UID and creation time, each change a resource version. Equal content is no change. */
  put(key: ObjectKey, object: KubernetesObject): KubernetesObject;
  /** What the object owned loses that owner; what has no owner left goes as well. */
  delete(key: ObjectKey): boolean;
}

export function createObjectStore(): ObjectStore {
  const objects = new Map<string, KubernetesObject>();
  let revision = 0;
  function put(path: string, object: KubernetesObject): KubernetesObject {
    const old = objects.get(path);
    const { uid, creationTimestamp, resourceVersion } = old?.metadata ?? {};
    const kept = {
      uid: uid ?? object.metadata.uid ?? randomUUID(),
      creationTimestamp: creationTimestamp ?? new Date().toISOString(),
    };
    const same = { ...object, metadata: { ...object.metadata, ...kept, resourceVersion } };
    if (old !== undefined && contentOf(old) === contentOf(same)) return old;
    const stored = { ...object, metadata: { ...object.metadata, ...kept, resourceVersion: String((revision += 1)) } };
    objects.set(path, stored);
    return stored;
  }

  function remove(path: string): boolean {
    const uid = objects.get(path)?.metadata.uid;
    const removed = objects.delete(path);
    for (const [other, object] of [...objects]) {
      const owners = object.metadata.ownerReferences ?? [];
      const left = owners.filter((owner) => owner.uid !== uid);
      if (left.length === owners.length) continue;
      if (left.length === 0) remove(other);
      else put(other, { ...object, metadata: { ...object.metadata, ownerReferences: left } });
    }
    return removed;
  }

  return {
    get: (key) => objects.get(pathOf(key)),
    list: (plural) => [...objects].filter(([path]) => path.startsWith(`${plural}/`)).map(([, object]) => object),
    put: (key, object) => put(pathOf(key), object),
    delete: (key) => remove(pathOf(key)),
  };
}

function pathOf({ plural, namespace, name }: ObjectKey): string {
  return `${plural}/${namespace}/${name}`;
}

/** Who wrote it is no content. */
function contentOf({ metadata, ...rest }: { readonly metadata: object }): string {
  return JSON.stringify(sorted({ ...rest, metadata: { ...metadata, managedFields: undefined } }));
}

/** Keys in order, so that equal content has equal text. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, sorted(item)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
