import { DriverError } from "../errors.ts";
import { podStatusName } from "../formats/pod-status-name.ts";
import type { OwnerReference, Volume } from "../model.ts";
import type { Pods, PodStatuses } from "../ports.ts";

export interface OwnerPorts {
  readonly pods: Pods;
  readonly statuses: Pick<PodStatuses, "read">;
}

/**
 * Whose end is the end of a volume's Secrets (csi-driver 5.5): the pod's owners, so that they outlive its replicas, and the
 * pod's status where it has none. Undefined for a pod that is gone, or ending, or another one of that name: it needs no
 * Secrets.
 */
export async function ownersOf(
  volume: Volume,
  ports: OwnerPorts,
  signal: AbortSignal,
): Promise<readonly OwnerReference[] | undefined> {
  const pod = await ports.pods.read(volume.pod, signal);
  if (pod?.uid !== volume.pod.uid || pod.ending) return undefined;
  if (pod.owners.length === 0) return [await statusOf(volume, ports, signal)];
  // Neither `controller`, of which there may be one only, nor `blockOwnerDeletion`, which would hold up the owner's end.
  return pod.owners.map(({ apiVersion, kind, name, uid }) => ({ apiVersion, kind, name, uid }));
}

async function statusOf(volume: Volume, { statuses }: OwnerPorts, signal: AbortSignal): Promise<OwnerReference> {
  const name = podStatusName(volume);
  const status = await statuses.read({ namespace: volume.pod.namespace, name }, signal);
  if (!status?.ownerUids.includes(volume.pod.uid))
    throw new DriverError(
      "KubernetesUnavailable",
      `secretproviderclasspodstatus "${name}", which is to own the Secrets of a pod without an owner, is not there yet; it will be tried again`,
    );
  return {
    apiVersion: "secrets-store.csi.x-k8s.io/v1",
    kind: "SecretProviderClassPodStatus",
    name,
    uid: status.uid,
  };
}
