import type { NodeHandlers } from "../grpc/generated/csi/v1/Node.ts";
import type { NodePublishVolumeRequest__Output as NodePublishVolumeRequest } from "../grpc/generated/csi/v1/NodePublishVolumeRequest.ts";
import type { NodeUnpublishVolumeRequest__Output as NodeUnpublishVolumeRequest } from "../grpc/generated/csi/v1/NodeUnpublishVolumeRequest.ts";
import { unary } from "../grpc/unary.ts";
import type { Logger } from "../log.ts";
import { DriverError } from "../errors.ts";
import type { PublishRequest } from "../model.ts";
import type { Call, Metrics } from "../ports.ts";
import { parsePublishRequest, parseUnpublishRequest, type PodOverrides } from "./publish-request.ts";

/** What the Node service does once the message is understood. */
export interface NodeOperations {
  publish(request: PublishRequest, call: Call): Promise<{ readonly provider: string }>;
  unpublish(targetPath: string, signal: AbortSignal): Promise<void>;
}

export interface NodeSettings {
  readonly nodeId: string;
  readonly podOverrides: PodOverrides;
}

/** Who hears how the calls ended: all of them, refused messages included. */
type CallMetrics = Pick<Metrics, "published" | "unpublished">;

interface NodeObservers {
  readonly log: Logger;
  readonly metrics: CallMetrics;
}

/** CSI Node: message ⇄ domain. Inline volumes are never staged, so there is no staging. */
export function nodeService(
  operations: NodeOperations,
  settings: NodeSettings,
  { log, metrics }: NodeObservers,
): Pick<NodeHandlers, keyof NodeHandlers> {
  const { publish, unpublish } = counted(operations, settings, metrics);
  return {
    NodePublishVolume: unary(publish, log),
    NodeUnpublishVolume: unary(unpublish, log),
    NodeGetInfo: unary(() => Promise.resolve({ nodeId: settings.nodeId }), log),
    NodeGetCapabilities: unary(() => Promise.resolve({ capabilities: [{ rpc: { type: "VOLUME_MOUNT_GROUP" } }] }), log),
  };
}

interface CountedCalls {
  publish(message: NodePublishVolumeRequest, call: Call): Promise<object>;
  unpublish(message: NodeUnpublishVolumeRequest, call: Call): Promise<object>;
}

function counted(operations: NodeOperations, { podOverrides }: NodeSettings, metrics: CallMetrics): CountedCalls {
  return {
    publish: async (message, call) => {
      try {
        metrics.published(await operations.publish(parsePublishRequest(message, podOverrides), call));
        return {};
      } catch (error) {
        const provider = error instanceof DriverError ? error.provider : undefined;
        metrics.published({ provider: provider ?? "", error });
        throw error;
      }
    },
    unpublish: async (message, { signal }) => {
      try {
        await operations.unpublish(parseUnpublishRequest(message), signal);
        metrics.unpublished({});
        return {};
      } catch (error) {
        metrics.unpublished({ error });
        throw error;
      }
    },
  };
}
