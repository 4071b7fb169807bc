import type { KubernetesObject, ObjectMeta } from "./objects.ts";

/**
 * Server-side apply by one forcing manager, as far as pod statuses need it: labels are merged by key, owner references by
 * UID, other fields are the manager's and replaced.
 */
export function applied(live: KubernetesObject | undefined, wanted: KubernetesObject): KubernetesObject {
  if (live === undefined) return wanted;
  return { ...live, ...wanted, metadata: mergedMeta(live.metadata, wanted.metadata) };
}

function mergedMeta(live: ObjectMeta, wanted: ObjectMeta): ObjectMeta {
  const owners = new Map([...(live.ownerReferences ?? []), ...(wanted.ownerReferences ?? [])].map((o) => [o.uid, o]));
  return {
    ...live,
    ...wanted,
    ...((live.labels ?? wanted.labels) && { labels: { ...live.labels, ...wanted.labels } }),
    ...(owners.size > 0 && { ownerReferences: [...owners.values()] }),
  };
}

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

/** Why the API server would not store an object of this metadata in place of another; undefined when it would. */
export function metadataProblem(live: ObjectMeta | undefined, wanted: ObjectMeta): string | undefined {
  const { name, uid, labels = {} } = wanted;
  if (live !== undefined && uid !== undefined && uid !== live.uid)
    return `metadata.uid: Invalid value: "${uid}": field is immutable`;
  if (name.length > 253 || !subdomain.test(name))
    return `metadata.name: Invalid value: "${name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'`;
  const bad = Object.values(labels).find((value) => value.length > 63 || !labelValue.test(value));
  return bad === undefined ? undefined : `metadata.labels: Invalid value: "${bad}": must be no more than 63 characters`;
}
