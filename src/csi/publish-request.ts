import type { NodePublishVolumeRequest__Output as NodePublishVolumeRequest } from "../grpc/generated/csi/v1/NodePublishVolumeRequest.ts";
import type { NodeUnpublishVolumeRequest__Output as NodeUnpublishVolumeRequest } from "../grpc/generated/csi/v1/NodeUnpublishVolumeRequest.ts";
import type { Credentials, Parameters, PublishRequest, Volume } from "../model.ts";
import { podStatusName } from "../formats/pod-status-name.ts";
import { isKubelets, LONGEST_NAME, limit, nameAt, parsePod, parseTarget, refuse, TOKENS } from "./who-asks.ts";

/** Which of a pod's volumeAttributes may override SecretProviderClass parameters. */
export type PodOverrides = "all" | "none";

/** CSI: a string without its own limit is at most 128 bytes. */
const LONGEST_VOLUME_ID = 128;
/** 2^32 - 1 means "leave the group alone" to chown(2). */
const LARGEST_GROUP = 2 ** 32 - 2;

/** NodePublishVolume → domain. Every rule about the message is here; the first that is broken is reported, by field. */
export function parsePublishRequest(message: NodePublishVolumeRequest, overrides: PodOverrides): PublishRequest {
  const group = parseCapability(message);
  const id = parseVolumeId(message.volumeId);
  const target = parseTarget(message.targetPath);
  const { [TOKENS]: contextTokens, ...attributes } = message.volumeContext;
  checkOverrides(attributes, overrides);
  const volume: Volume = {
    id,
    targetPath: message.targetPath,
    kubeletRoot: target.kubeletRoot,
    pod: parsePod(attributes, target, "volume_context"),
    className: parseClassName(attributes),
    ...(group !== undefined && { group }),
  };
  checkStatusName(volume);
  if (!message.readonly) refuse("readonly", "must be true: set readOnly: true on the pod's csi volume");
  return { volume, attributes, credentials: parseCredentials(message.secrets, contextTokens) };
}

/** NodeUnpublishVolume → the target path. What can be unpublished is what could be published. */
export function parseUnpublishRequest(message: NodeUnpublishVolumeRequest): string {
  parseVolumeId(message.volumeId);
  parseTarget(message.targetPath);
  return message.targetPath;
}

function parseCapability({ volumeCapability }: NodePublishVolumeRequest): number | undefined {
  if (!volumeCapability) refuse("volume_capability", "is missing");
  if (volumeCapability.block) refuse("volume_capability", "asks for a block device: only mounted volumes are served");
  const group = volumeCapability.mount?.volumeMountGroup ?? "";
  if (group === "") return undefined;
  if (!/^\d{1,10}$/.test(group) || Number(group) > LARGEST_GROUP)
    refuse("volume_mount_group", `must be a group id from 0 to ${LARGEST_GROUP}: correct fsGroup of the pod`);
  return Number(group);
}

function parseVolumeId(id: string): string {
  if (id === "") refuse("volume_id", "is missing");
  limit("volume_id", id, LONGEST_VOLUME_ID);
  return id;
}

function checkOverrides(attributes: Parameters, overrides: PodOverrides): void {
  if (Object.keys(attributes).length === 0) refuse("volume_context", "is missing");
  if (overrides === "all") return;
  const foreign = Object.keys(attributes).filter((key) => key !== "secretProviderClass" && !isKubelets(key));
  if (foreign.length > 0)
    refuse(
      "volume_context",
      `overrides SecretProviderClass parameters (${foreign.sort().join(", ")}), which --pod-overrides=none forbids: ` +
        "remove them from the pod's volumeAttributes",
    );
}

function parseClassName(attributes: Parameters): string {
  const field = "volume_context secretProviderClass";
  const name = attributes["secretProviderClass"] ?? "";
  if (name === "") refuse(field, "is missing: name the SecretProviderClass in the pod's volumeAttributes");
  return nameAt(field, name, LONGEST_NAME);
}

function checkStatusName(volume: Volume): void {
  if (podStatusName(volume).length > LONGEST_NAME)
    refuse(
      "volume_context",
      `makes a pod status name longer than ${LONGEST_NAME} characters (<pod>-<namespace>-<SecretProviderClass>): ` +
        "shorten the name of the pod or of the SecretProviderClass",
    );
}

/** Tokens come in the secrets field (Kubernetes 1.35 and later, if the CSIDriver asks for it) or in the context. */
function parseCredentials(secretsField: Parameters, contextTokens: string | undefined): Credentials {
  const { [TOKENS]: secretTokens, ...rest } = secretsField;
  const inSecrets = secretTokens !== undefined && secretTokens !== "";
  const tokens = inSecrets ? secretTokens : contextTokens;
  const secrets = Object.entries(rest).filter(([key]) => !isKubelets(key));
  return {
    ...(secrets.length > 0 && { secrets: Object.fromEntries(secrets) }),
    ...(tokens && { serviceAccountTokens: tokens }),
    ...(inSecrets && { tokensInSecrets: true }),
  };
}
