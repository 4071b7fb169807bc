import type { ObjectRef } from "../model.ts";

/** The API group of the driver's custom resources, in the version that is stored. */
export const SECRETS_STORE = "apis/secrets-store.csi.x-k8s.io/v1";

/** URL path of one namespaced object. */
export function namespacedPath(group: string, plural: string, { namespace, name }: ObjectRef): string {
  return `/${group}/namespaces/${encodeURIComponent(namespace)}/${plural}/${encodeURIComponent(name)}`;
}
