import { DriverError } from "../errors.ts";
import { parseManifests } from "../formats/manifest.ts";
import type { Parameters } from "../model.ts";
import type { KubernetesObject } from "../release-model.ts";

/** The Secret in which the chart keeps what it rendered. */
export const DESIRED_SECRET = "azure-keyvault-csi-desired";

/** What others need comes first: a binding is refused while its role is missing, a pod while its service account is. */
const first = ["ServiceAccount", "Secret", "ConfigMap", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"];

/**
 * The objects that the Secret says are to be there, in the order in which they are restored. Throws InvalidRequest where
 * it does not hold what the chart writes.
 */
export function parseDesired(secret: KubernetesObject): readonly KubernetesObject[] {
  const { "manifests.yaml": manifests } = (secret["data"] ?? {}) as Parameters;
  if (manifests === undefined)
    throw new DriverError(
      "InvalidRequest",
      `Secret "${DESIRED_SECRET}" has no key manifests.yaml: upgrade the release`,
    );
  const objects = parseManifests(Buffer.from(manifests, "base64").toString("utf8")) as readonly KubernetesObject[];
  const marks = helmMarks(secret);
  return objects.map((object) => marked(stored(object), marks)).toSorted((a, b) => place(a) - place(b));
}

/** An object among those that are held. */
export function keyOf({ apiVersion, kind, metadata: { namespace = "", name } }: KubernetesObject): string {
  return [apiVersion, kind, namespace, name].join(" ");
}

/** An object, for people: as `kubectl get` takes it. */
export function nameOf({ kind, metadata: { namespace, name } }: KubernetesObject): string {
  return `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
}

function place({ kind }: KubernetesObject): number {
  const found = first.indexOf(kind);
  return found < 0 ? first.length : found;
}

/** By these annotations, which Helm adds by itself, it knows what it may take over; the Secret bears them as any object does. */
function helmMarks({ metadata: { annotations = {} } }: KubernetesObject): Parameters {
  return Object.fromEntries(Object.entries(annotations).filter(([name]) => name.startsWith("meta.helm.sh/")));
}

function marked(object: KubernetesObject, marks: Parameters): KubernetesObject {
  const annotations = { ...object.metadata.annotations, ...marks };
  if (Object.keys(annotations).length === 0) return object;
  return { ...object, metadata: { ...object.metadata, annotations } };
}

/** The API server turns `stringData` into `data`; what is compared and applied has its form. */
function stored({ stringData, ...object }: KubernetesObject): KubernetesObject {
  if (object.kind !== "Secret" || stringData === undefined)
    return { ...object, ...(stringData !== undefined && { stringData }) };
  const encoded = Object.entries(stringData as Parameters).map(
    ([key, text]) => [key, Buffer.from(text).toString("base64")] as const,
  );
  return { ...object, data: { ...(object["data"] as object | undefined), ...Object.fromEntries(encoded) } };
}
