import type { NodeHandlers } from "../grpc/generated/csi/v1/Node.ts";
import type { NodePublishVolumeRequest__Output as NodePublishVolumeRequest } from "../grpc/generated/csi/v1/NodePublishVolumeRequest.ts";
import type { NodeUnpublishVolumeRequest__Output as NodeUnpublishVolumeRequest } from "../grpc/generated/csi/v1/NodeUnpublishVolumeRequest.ts";
import { unary } from "../grpc/unary.ts";
import type { Logger } from "../log.ts";
import type { PublishRequest } from "../model.ts";
import type { Call } from "../ports.ts";
import { parsePublishRequest, parseUnpublishRequest, type PodOverrides } from "./publish-request.ts";

/** What the Node service does once the message is understood. */
export interface NodeOperations {
  publish(request: PublishRequest, call: Call): Promise<void>;
  unpublish(targetPath: string, signal: AbortSignal): Promise<void>;
}

export interface NodeSettings {
  readonly nodeId: string;
  readonly podOverrides: PodOverrides;
}

/** CSI Node: message ⇄ domain. Inline volumes are never staged, so there is no staging. */
export function nodeService(
  operations: NodeOperations,
  settings: NodeSettings,
  log: Logger,
): Pick<NodeHandlers, keyof NodeHandlers> {
  return {
    NodePublishVolume: unary(async (message: NodePublishVolumeRequest, call) => {
      await operations.publish(parsePublishRequest(message, settings.podOverrides), call);
      return {};
    }, log),
    NodeUnpublishVolume: unary(async (message: NodeUnpublishVolumeRequest, { signal }) => {
      await operations.unpublish(parseUnpublishRequest(message), signal);
      return {};
    }, log),
    NodeGetInfo: unary(() => Promise.resolve({ nodeId: settings.nodeId }), log),
    NodeGetCapabilities: unary(() => Promise.resolve({ capabilities: [{ rpc: { type: "VOLUME_MOUNT_GROUP" } }] }), log),
  };
}
