import { DriverError } from "../errors.ts";
import type { LivePodStatus, ObjectRef, PodStatus } from "../model.ts";
import type { PodStatuses } from "../ports.ts";
import type { ApiAnswer } from "./api.ts";
import { ask, bodyOf, exchange, type Cluster, type Subject } from "./ask.ts";
import { parseMetadata } from "./metadata.ts";
import { namespacedPath, SECRETS_STORE } from "./paths.ts";

/** Who applies: fields that this manager no longer names are removed by the API server. */
export const FIELD_MANAGER = "azure-keyvault-csi";

/** SecretProviderClassPodStatuses: written by server-side apply, in one request whether they exist or not. */
export function createPodStatuses(cluster: Cluster): PodStatuses {
  return {
    apply: async (status, signal) => {
      const path = `${pathOf(status.ref)}?fieldManager=${FIELD_MANAGER}&force=true`;
      const body = { contentType: "application/apply-patch+yaml", content: manifestOf(status) };
      const subject = subjectOf(status.ref);
      const request = { method: "PATCH", path, body } as const;
      const answer = await exchange(cluster, request, subject, signal);
      if (answer.status === 404) throw cannotExist(subject);
      if (isOfAnotherNode(answer)) throw isStillThere(subject);
      bodyOf(answer, request, subject);
    },
    read: async (ref, signal) => {
      const body = await ask(cluster, { method: "GET", path: pathOf(ref) }, subjectOf(ref), signal);
      return body === undefined ? undefined : parseStatus(body);
    },
  };
}

function pathOf(ref: ObjectRef): string {
  return namespacedPath(SECRETS_STORE, "secretproviderclasspodstatuses", ref);
}

function subjectOf(ref: ObjectRef): Subject {
  return { resource: "secretproviderclasspodstatuses.secrets-store.csi.x-k8s.io", ref };
}

/** The object as the established driver writes it (group secrets-store.csi.x-k8s.io, no status subresource). */
function manifestOf({ ref, pod, nodeName, className, targetPath, objects }: PodStatus): unknown {
  return {
    apiVersion: "secrets-store.csi.x-k8s.io/v1",
    kind: "SecretProviderClassPodStatus",
    metadata: {
      ...ref,
      labels: { "internal.secrets-store.csi.k8s.io/node-name": nodeName },
      ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: pod.name, uid: pod.uid }],
    },
    status: { podName: pod.name, secretProviderClassName: className, mounted: true, targetPath, objects },
  };
}

function parseStatus(body: unknown): LivePodStatus {
  const { uid, owners } = parseMetadata(body);
  return { uid, ownerUids: owners.map((owner) => owner.uid) };
}

/** By the chart's admission policy (charts/azure-keyvault-csi/templates/admission.yaml), whose words these are. */
function isOfAnotherNode({ body }: ApiAnswer): boolean {
  const message = (body as { readonly message?: unknown } | undefined)?.message;
  return typeof message === "string" && message.endsWith("the pod status is of another node");
}

/** A StatefulSet's pod that moved: the status goes with the pod before it, as soon as garbage is collected. */
function isStillThere({ resource, ref }: Subject): DriverError {
  return new DriverError(
    "Busy",
    `${resource} "${ref.name}" is still that of a pod on another node; it will be written when garbage collection has removed that`,
  );
}

/** An apply creates what is absent, so "not found" is said of the namespace or of the CRD. */
function cannotExist({ resource, ref }: Subject): DriverError {
  return new DriverError(
    "KubernetesUnavailable",
    `${resource} "${ref.name}" cannot be written: namespace "${ref.namespace}" or the CRD is not there; install the chart's CRDs`,
  );
}
