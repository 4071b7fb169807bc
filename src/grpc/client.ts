import { Channel, credentials, Metadata, type CallOptions, type ServiceError } from "@grpc/grpc-js";
import { csi } from "./descriptors.ts";
import type { GetPluginCapabilitiesResponse__Output as GetPluginCapabilitiesResponse } from "./generated/csi/v1/GetPluginCapabilitiesResponse.ts";
import type { ControllerGetCapabilitiesResponse__Output as ControllerGetCapabilitiesResponse } from "./generated/csi/v1/ControllerGetCapabilitiesResponse.ts";
import type { GetPluginInfoResponse__Output as GetPluginInfoResponse } from "./generated/csi/v1/GetPluginInfoResponse.ts";
import type { NodeGetCapabilitiesResponse__Output as NodeGetCapabilitiesResponse } from "./generated/csi/v1/NodeGetCapabilitiesResponse.ts";
import type { NodeGetInfoResponse__Output as NodeGetInfoResponse } from "./generated/csi/v1/NodeGetInfoResponse.ts";
import type { NodePublishVolumeRequest } from "./generated/csi/v1/NodePublishVolumeRequest.ts";
import type { NodeUnpublishVolumeRequest } from "./generated/csi/v1/NodeUnpublishVolumeRequest.ts";
import type { ProbeResponse__Output as ProbeResponse } from "./generated/csi/v1/ProbeResponse.ts";

/** How long a call may take, and what ends it early. */
export interface CallLimits {
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** Calls reject with a gRPC ServiceError (`code`, `details`). */
export interface CsiClient {
  readonly identity: {
    getPluginInfo(limits?: CallLimits): Promise<GetPluginInfoResponse>;
    getPluginCapabilities(limits?: CallLimits): Promise<GetPluginCapabilitiesResponse>;
    probe(limits?: CallLimits): Promise<ProbeResponse>;
  };
  readonly controller: {
    controllerGetCapabilities(limits?: CallLimits): Promise<ControllerGetCapabilitiesResponse>;
  };
  readonly node: {
    nodeGetInfo(limits?: CallLimits): Promise<NodeGetInfoResponse>;
    nodeGetCapabilities(limits?: CallLimits): Promise<NodeGetCapabilitiesResponse>;
    nodePublishVolume(request: NodePublishVolumeRequest, limits?: CallLimits): Promise<unknown>;
    nodeUnpublishVolume(request: NodeUnpublishVolumeRequest, limits?: CallLimits): Promise<unknown>;
  };
  close(): void;
}

/** A client of the CSI services behind a unix socket; it connects at the first call. */
export function createClient(socketPath: string): CsiClient {
  const channelOverride = new Channel(`unix:${socketPath}`, credentials.createInsecure(), {
    "grpc.enable_channelz": 0,
  });
  const shared = [socketPath, credentials.createInsecure(), { channelOverride }] as const;
  const identity = new csi.Identity(...shared);
  const controller = new csi.Controller(...shared);
  const node = new csi.Node(...shared);
  return {
    identity: {
      getPluginInfo: (limits) => call((...rest) => identity.getPluginInfo({}, ...rest), limits),
      getPluginCapabilities: (limits) => call((...rest) => identity.getPluginCapabilities({}, ...rest), limits),
      probe: (limits) => call((...rest) => identity.probe({}, ...rest), limits),
    },
    controller: {
      controllerGetCapabilities: (limits) =>
        call((...rest) => controller.controllerGetCapabilities({}, ...rest), limits),
    },
    node: {
      nodeGetInfo: (limits) => call((...rest) => node.nodeGetInfo({}, ...rest), limits),
      nodeGetCapabilities: (limits) => call((...rest) => node.nodeGetCapabilities({}, ...rest), limits),
      nodePublishVolume: (request, limits) => call((...rest) => node.nodePublishVolume(request, ...rest), limits),
      nodeUnpublishVolume: (request, limits) => call((...rest) => node.nodeUnpublishVolume(request, ...rest), limits),
    },
    close: () => {
      channelOverride.close();
    },
  };
}

type Callback<Response> = (error: ServiceError | null, value?: Response) => void;
type Send<Response> = (metadata: Metadata, options: CallOptions, callback: Callback<Response>) => { cancel(): void };

function call<Response>(send: Send<Response>, { deadlineMs = 120_000, signal }: CallLimits = {}): Promise<Response> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      running.cancel();
    };
    const running = send(new Metadata(), { deadline: Date.now() + deadlineMs }, (error, value) => {
      signal?.removeEventListener("abort", leave);
      if (error) reject(error);
      else resolve(value as Response);
    });
    signal?.addEventListener("abort", leave);
  });
}
