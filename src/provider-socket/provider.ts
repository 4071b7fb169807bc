import { DriverError } from "../errors.ts";
import { provider } from "../grpc/provider-descriptor.ts";
import type { CSIDriverProviderHandlers } from "../grpc/generated/v1alpha1/CSIDriverProvider.ts";
import type { MountRequest__Output as MountRequest } from "../grpc/generated/v1alpha1/MountRequest.ts";
import type { MountResponse } from "../grpc/generated/v1alpha1/MountResponse.ts";
import { unary, type NotedCall } from "../grpc/unary.ts";
import type { Logger } from "../log.ts";
import type { Content, ContentRequest } from "../model.ts";
import type { Call, CallMetrics } from "../ports.ts";
import { parseMountRequest } from "./mount-request.ts";

/** Fetches what one volume of one pod is to hold. */
export type Fetch = (request: ContentRequest, call: Call) => Promise<Content>;

export interface ProviderSettings {
  /** The build's version. */
  readonly version: string;
  /** Of a message that the driver takes. */
  readonly maxMessageBytes: number;
}

/** Who hears how the calls ended. */
export interface Observers {
  readonly log: Logger;
  readonly metrics: CallMetrics;
}

/** The provider's service of the established driver (v1alpha1): message ⇄ domain. */
export function providerService(
  fetch: Fetch,
  { version, maxMessageBytes }: ProviderSettings,
  { log, metrics }: Observers,
): Pick<CSIDriverProviderHandlers, keyof CSIDriverProviderHandlers> {
  const mount = async (message: MountRequest, call: NotedCall): Promise<MountResponse> => {
    const request = parseMountRequest(message);
    const { namespace, name } = request.volume.pod;
    // The messages are the established ones, and name no pod.
    call.note({ pod: `${namespace}/${name}` });
    const response = toResponse(await fetch(request, call));
    checkSize(response, maxMessageBytes);
    return response;
  };
  const runtime = { version: "v1alpha1", runtimeName: "secrets-store-csi-driver-provider-azure" };
  return {
    Mount: unary(mount, log, metrics),
    Version: unary(() => Promise.resolve({ ...runtime, runtimeVersion: version }), log, metrics),
  };
}

function toResponse({ files, versions }: Content): MountResponse {
  return {
    objectVersion: versions.map(({ id, version }) => ({ id, version })),
    files: files.map(({ path, mode, contents }) => ({ path, mode, contents })),
  };
}

/** The driver would refuse it with a text that names no remedy. */
function checkSize(response: MountResponse, most: number): void {
  const bytes = provider.CSIDriverProvider.service.Mount.responseSerialize(response).length;
  if (bytes > most)
    throw new DriverError(
      "InvalidRequest",
      `the volume would take a message of ${bytes} bytes, more than the limit of ${most} (--max-call-recv-msg-size): ` +
        "name fewer objects in the SecretProviderClass, split it between two volumes, or raise the limit here and at the driver",
    );
}
