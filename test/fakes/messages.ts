import type { NodePublishVolumeRequest__Output as NodePublishVolumeRequest } from "../../src/grpc/generated/csi/v1/NodePublishVolumeRequest.ts";

export const aPodUid = "8f5ef6a5-0d0b-4a55-9d0b-5c4f2f7b1f3e";
export const aTarget = `/var/lib/kubelet/pods/${aPodUid}/volumes/kubernetes.io~csi/secrets/mount`;
export const tokensKey = "csi.storage.k8s.io/serviceAccount.tokens";

/** What kubelet and the pod's author say about the volume; a key that is undefined is left out. */
export function aContext(changes: Readonly<Record<string, string | undefined>> = {}): Record<string, string> {
  const context: Record<string, string | undefined> = {
    "csi.storage.k8s.io/pod.name": "web-0",
    "csi.storage.k8s.io/pod.namespace": "shop",
    "csi.storage.k8s.io/pod.uid": aPodUid,
    "csi.storage.k8s.io/serviceAccount.name": "default",
    "csi.storage.k8s.io/ephemeral": "true",
    secretProviderClass: "vault",
    ...changes,
  };
  const given = Object.entries(context).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(given);
}

/** A valid NodePublishVolume as kubelet sends it, with the given fields in place of its own. */
export function aPublishMessage(changes: Partial<NodePublishVolumeRequest> = {}): NodePublishVolumeRequest {
  return {
    volumeId: "csi-4f1d",
    targetPath: aTarget,
    volumeCapability: aCapability(""),
    readonly: true,
    secrets: {},
    volumeContext: aContext(),
    ...changes,
  };
}

/** A mounted volume whose files are to get the group. */
export function aCapability(volumeMountGroup: string): NodePublishVolumeRequest["volumeCapability"] {
  return {
    accessMode: { mode: "SINGLE_NODE_WRITER" },
    mount: { fsType: "", mountFlags: [], volumeMountGroup },
    accessType: "mount",
  };
}
