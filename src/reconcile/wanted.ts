import type { Parameters } from "../model.ts";
import type { KubernetesObject } from "../release-model.ts";

/** `kubectl rollout restart` leaves this at the pod template. A restart is something that was done, no setting that strayed. */
export const RESTARTED_AT = "kubectl.kubernetes.io/restartedAt";

/**
 * What is to stand in the place of a live object: the desired one with what is the API server's and other people's (labels,
 * annotations, owners, finalizers, status), as a replacement of that version.
 */
export function wantedOf(desired: KubernetesObject, live: KubernetesObject): KubernetesObject {
  const { labels, annotations } = desired.metadata;
  const { metadata } = live;
  return {
    ...withOthersFields(desired, live),
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, ...labels },
      annotations: { ...metadata.annotations, ...annotations },
      // Absent, they stay as they are.
      managedFields: undefined,
    },
    ...("status" in live && { status: live["status"] }),
  };
}

/** Fields outside of metadata that are for others to fill in. */
function withOthersFields(desired: KubernetesObject, live: KubernetesObject): KubernetesObject {
  if (desired.kind === "ServiceAccount") return { ...filledIn(live), ...desired };
  if (desired.kind === "DaemonSet") return withRestart(desired, live);
  return desired;
}

/** OpenShift gives each service account a token and the registry's credentials. */
function filledIn({ secrets, imagePullSecrets }: KubernetesObject): object {
  return { ...(secrets !== undefined && { secrets }), ...(imagePullSecrets !== undefined && { imagePullSecrets }) };
}

interface PodTemplate {
  readonly metadata?: { readonly annotations?: Parameters };
}

function withRestart(desired: KubernetesObject, live: KubernetesObject): KubernetesObject {
  const restartedAt = templateOf(live).metadata?.annotations?.[RESTARTED_AT];
  if (restartedAt === undefined) return desired;
  const template = templateOf(desired);
  const annotations = { ...template.metadata?.annotations, [RESTARTED_AT]: restartedAt };
  const spec = {
    ...(desired["spec"] as object),
    template: { ...template, metadata: { ...template.metadata, annotations } },
  };
  return { ...desired, spec };
}

function templateOf(object: KubernetesObject): PodTemplate {
  return (object["spec"] as { readonly template?: PodTemplate } | undefined)?.template ?? {};
}
