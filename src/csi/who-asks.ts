import { DriverError } from "../errors.ts";
import type { Parameters, PodRef } from "../model.ts";
import { LONGEST_PATH, parseTargetPath, type Target } from "./target-path.ts";

const KUBELET_PREFIX = "csi.storage.k8s.io/";
/** Under which service account tokens come, wherever they come. */
export const TOKENS = "csi.storage.k8s.io/serviceAccount.tokens";
/** Kubernetes: names of objects are DNS subdomains, names of namespaces DNS labels (RFC 1123). */
export const LONGEST_NAME = 253;
const LONGEST_NAMESPACE = 63;

/** Whether only kubelet may say it. */
export function isKubelets(key: string): boolean {
  return key.startsWith(KUBELET_PREFIX);
}

/** A target path of kubelet's. Throws InvalidRequest. */
export function parseTarget(path: string): Target {
  if (path === "") refuse("target_path", "is missing");
  limit("target_path", path, LONGEST_PATH);
  return (
    parseTargetPath(path) ??
    refuse("target_path", "must be <kubelet root>/pods/<uid>/volumes/kubernetes.io~csi/<volume>/mount, in clean form")
  );
}

/**
 * The pod that kubelet named among the attributes; the field is what their message calls them. The UID in the target path is
 * kubelet's own and cannot be known in advance, so it proves who asks. Throws InvalidRequest.
 */
export function parsePod(attributes: Parameters, target: Target, field: string): PodRef {
  const read = (key: string, longest: number): string => {
    const value = attributes[`${KUBELET_PREFIX}${key}`] ?? "";
    const named = `${field} ${KUBELET_PREFIX}${key}`;
    if (value === "") refuse(named, "is missing: the CSIDriver object must have podInfoOnMount: true");
    return nameAt(named, value, longest);
  };
  const name = read("pod.name", LONGEST_NAME);
  const namespace = read("pod.namespace", LONGEST_NAMESPACE);
  const uid = read("pod.uid", LONGEST_NAME);
  if (uid !== target.podUid)
    refuse(field, `${KUBELET_PREFIX}pod.uid is not the pod UID in target_path, so who asks is not certain`);
  return { namespace, name, uid };
}

/** Names go into paths of the Kubernetes API; what they may hold beyond this the API server decides. Throws InvalidRequest. */
export function nameAt(field: string, value: string, longest: number): string {
  limit(field, value, longest);
  if (!/^[A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?$/.test(value))
    refuse(field, "must be letters, digits, '-' and '.', beginning and ending with a letter or digit");
  return value;
}

/** Throws InvalidRequest for what is longer, in bytes. */
export function limit(field: string, value: string, longest: number): void {
  if (Buffer.byteLength(value) > longest) refuse(field, `is longer than ${longest} bytes`);
}

/** Throws InvalidRequest that names the field. */
export function refuse(field: string, complaint: string): never {
  throw new DriverError("InvalidRequest", `${field} ${complaint}`);
}
