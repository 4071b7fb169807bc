import { Client, connectivityState, credentials, Metadata, type CallOptions, type ServiceError } from "@grpc/grpc-js";
import type { MountRequest } from "../../grpc/generated/v1alpha1/MountRequest.ts";
import type { VersionResponse__Output as VersionResponse } from "../../grpc/generated/v1alpha1/VersionResponse.ts";
import { provider } from "../../grpc/provider-descriptor.ts";

/** When a call ends at the latest, and what ends it early. */
export interface CallEnd {
  readonly deadline?: Date | undefined;
  readonly signal: AbortSignal;
}

/** Calls to one provider's socket. They wait until somebody listens there, and reject with a gRPC ServiceError. */
export interface Channel {
  /** The answer as it arrived: its size and its mistakes matter. */
  mount(request: MountRequest, end: CallEnd): Promise<Buffer>;
  version(end: CallEnd): Promise<VersionResponse>;
  /** False while nobody listens, or who does has not said yet that it speaks gRPC. */
  isReachable(): boolean;
  close(): void;
}

/** csi-driver 2.2: three attempts, of UNAVAILABLE only; anything else may have had an effect. */
const serviceConfig = {
  methodConfig: [
    {
      name: [{ service: "v1alpha1.CSIDriverProvider" }],
      retryPolicy: {
        maxAttempts: 3,
        initialBackoff: "1s",
        maxBackoff: "10s",
        backoffMultiplier: 1.1,
        retryableStatusCodes: ["UNAVAILABLE"],
      },
    },
  ],
};

/** A provider that comes up is found within a second, however long it was waited for: a pod waits with us. */
const reconnectMs = { first: 100, longest: 1_000 };

/** A connection that nobody used for so long is closed; the next call makes a new one. */
const idleMs = 5 * 60_000;

/** What a connection is while it is tried to make it. */
const failing: ReadonlySet<connectivityState> = new Set([
  connectivityState.CONNECTING,
  connectivityState.TRANSIENT_FAILURE,
]);

/** Connects at the first call. */
export function openChannel(socketPath: string, maxReceiveBytes: number): Channel {
  const client = new Client(`unix:${socketPath}`, credentials.createInsecure(), {
    // Some providers refuse anything else.
    "grpc.default_authority": "localhost",
    "grpc.service_config": JSON.stringify(serviceConfig),
    "grpc.max_receive_message_length": maxReceiveBytes,
    "grpc.initial_reconnect_backoff_ms": reconnectMs.first,
    "grpc.max_reconnect_backoff_ms": reconnectMs.longest,
    "grpc.client_idle_timeout_ms": idleMs,
    // A socket made anew at the same path is another connection, and ours goes with us.
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_http_proxy": 0,
  });
  const { Mount, Version } = provider.CSIDriverProvider.service;
  return {
    mount: (request, end) =>
      answered<Buffer>(end, (...rest) =>
        client.makeUnaryRequest(Mount.path, Mount.requestSerialize, (bytes) => bytes, request, ...rest),
      ),
    version: (end) =>
      answered<VersionResponse>(end, (...rest) =>
        client.makeUnaryRequest(
          Version.path,
          Version.requestSerialize,
          Version.responseDeserialize,
          { version: "v1alpha1" },
          ...rest,
        ),
      ),
    isReachable: () => !failing.has(client.getChannel().getConnectivityState(false)),
    close: () => {
      client.close();
    },
  };
}

type Send<Response> = (
  metadata: Metadata,
  options: CallOptions,
  callback: (error: ServiceError | null, value?: Response) => void,
) => { cancel(): void };

function answered<Response>({ deadline, signal }: CallEnd, send: Send<Response>): Promise<Response> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      running.cancel();
    };
    const running = send(
      new Metadata({ waitForReady: true }),
      deadline === undefined ? {} : { deadline },
      (error, value) => {
        signal.removeEventListener("abort", leave);
        if (error) reject(error);
        else resolve(value as Response);
      },
    );
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
  });
}
