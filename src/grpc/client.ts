import { credentials, Metadata, type CallOptions, type Client, type ServiceError } from "@grpc/grpc-js";
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
  const target = `unix:${socketPath}`;
  const insecure = credentials.createInsecure();
  const identity = new csi.Identity(target, insecure);
  const controller = new csi.Controller(target, insecure);
  const node = new csi.Node(target, insecure);
  return {
    identity: {
      getPluginInfo: (limits) => call(identity, identity.getPluginInfo, {}, limits),
      getPluginCapabilities: (limits) => call(identity, identity.getPluginCapabilities, {}, limits),
      probe: (limits) => call(identity, identity.probe, {}, limits),
    },
    controller: {
      controllerGetCapabilities: (limits) => call(controller, controller.controllerGetCapabilities, {}, limits),
    },
    node: {
      nodeGetInfo: (limits) => call(node, node.nodeGetInfo, {}, limits),
      nodeGetCapabilities: (limits) => call(node, node.nodeGetCapabilities, {}, limits),
      nodePublishVolume: (request, limits) => call(node, node.nodePublishVolume, request, limits),
      nodeUnpublishVolume: (request, limits) => call(node, node.nodeUnpublishVolume, request, limits),
    },
    close: () => {
      for (const client of [identity, controller, node]) client.close();
    },
  };
}

type UnaryMethod<Request, Response> = (
  argument: Request,
  metadata: Metadata,
  options: CallOptions,
  callback: (error: ServiceError | null, value?: Response) => void,
) => { cancel(): void };

function call<Request, Response>(
  client: Client,
  method: UnaryMethod<Request, Response>,
  request: Request,
  { deadlineMs = 120_000, signal }: CallLimits = {},
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + deadlineMs };
    const leave = (): void => {
      running.cancel();
    };
    const running = method.call(client, request, new Metadata(), options, (error, value) => {
      signal?.removeEventListener("abort", leave);
      if (error) reject(error);
      else resolve(value as Response);
    });
    signal?.addEventListener("abort", leave);
  });
}
