import type { KubernetesObject } from "../release-model.ts";
import type { Clock } from "../ports.ts";
import type { Objects } from "../release-ports.ts";
import { RESTARTED_AT } from "./wanted.ts";

interface PodSpec {
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken?: boolean;
}

/**
 * Has the DaemonSets whose pods hold tokens of that service account restart them, by their own rules: one node after another, as
 * `kubectl rollout restart` does. One that is missing has its pods made anew anyway.
 */
export async function restartUsers(
  account: KubernetesObject,
  held: readonly KubernetesObject[],
  { objects, clock }: { readonly objects: Objects; readonly clock: Clock },
  signal: AbortSignal,
): Promise<void> {
  const annotations = { [RESTARTED_AT]: `${clock().toISOString().slice(0, 19)}Z` };
  for (const user of held.filter((object) => holdsTokensOf(account, object)))
    if ((await objects.read(user, signal)) !== undefined)
      await objects.merge(user, { spec: { template: { metadata: { annotations } } } }, signal);
}

function holdsTokensOf({ metadata: { name, namespace } }: KubernetesObject, object: KubernetesObject): boolean {
  if (object.kind !== "DaemonSet" || object.metadata.namespace !== namespace) return false;
  const pod = (object["spec"] as { template?: { spec?: PodSpec } } | undefined)?.template?.spec ?? {};
  return pod.serviceAccountName === name && pod.automountServiceAccountToken !== false;
}
