import type { ObjectRef } from "../model.ts";

/** Kubernetes' own objects: Secrets, pods. */
export const CORE = "api/v1";

/** The API group of the driver's custom resources, in the version that is stored. */
export const SECRETS_STORE = "apis/secrets-store.csi.x-k8s.io/v1";

/** URL path of all objects of a kind in a namespace: where new ones are made. */
export function collectionPath(group: string, plural: string, namespace: string): string {
  return `/${group}/namespaces/${encodeURIComponent(namespace)}/${plural}`;
}

/** URL path of one namespaced object. */
export function namespacedPath(group: string, plural: string, { namespace, name }: ObjectRef): string {
  return `${collectionPath(group, plural, namespace)}/${encodeURIComponent(name)}`;
}
