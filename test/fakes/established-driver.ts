import { credentials, type ClientOptions, type ServiceError } from "@grpc/grpc-js";
import type { HealthCheckResponse__Output as HealthCheckResponse } from "../../src/grpc/generated/grpc/health/v1/HealthCheckResponse.ts";
import type { MountRequest } from "../../src/grpc/generated/v1alpha1/MountRequest.ts";
import type { MountResponse__Output as MountResponse } from "../../src/grpc/generated/v1alpha1/MountResponse.ts";
import type { VersionResponse__Output as VersionResponse } from "../../src/grpc/generated/v1alpha1/VersionResponse.ts";
import { health } from "../../src/grpc/health-descriptor.ts";
import { provider } from "../../src/grpc/provider-descriptor.ts";
import { aContext, aTarget } from "./messages.ts";

/** Calls a provider's socket as the established driver does: no deadline of its own, authority localhost, 4 MiB at most. */
export interface EstablishedDriver {
  mount(request: MountRequest, deadlineMs?: number): Promise<MountResponse>;
  version(version: string): Promise<VersionResponse>;
  check(service: string): Promise<HealthCheckResponse>;
  /** How List and Watch of the health service end. */
  refusals(): Promise<readonly Pick<ServiceError, "code" | "details">[]>;
  close(): void;
}

export function createEstablishedDriver(socketPath: string): EstablishedDriver {
  const options: ClientOptions = {
    "grpc.default_authority": "localhost",
    "grpc.max_receive_message_length": 4_194_304,
  };
  const target = `unix:${socketPath}`;
  const client = new provider.CSIDriverProvider(target, credentials.createInsecure(), options);
  const probe = new health.Health(target, credentials.createInsecure(), options);
  return {
    mount: (request, deadlineMs = 120_000) =>
      promised((done) => client.mount(request, { deadline: Date.now() + deadlineMs }, done)),
    version: (version) => promised((done) => client.version({ version }, done)),
    check: (service) => promised((done) => probe.check({ service }, done)),
    refusals: async () =>
      [
        await promised((done) => probe.list({}, done)).catch((error: unknown) => error as ServiceError),
        await new Promise<ServiceError>((resolve) => probe.watch({ service: "" }).on("error", resolve)),
      ] as readonly ServiceError[],
    close: () => {
      client.close();
      probe.close();
    },
  };
}

type Done<Response> = (error: ServiceError | null, response?: Response) => void;

function promised<Response>(send: (done: Done<Response>) => unknown): Promise<Response> {
  return new Promise((resolve, reject) => {
    send((error, response) => {
      if (error) reject(error);
      else resolve(response as Response);
    });
  });
}

/** What the driver makes of class and volume context: names and texts, a pod's and kubelet's among them. */
export function anAttributes(changes: Readonly<Record<string, string | undefined>> = {}): string {
  return JSON.stringify(aContext(changes));
}

/** A valid Mount, with the given fields in place of its own. */
export function aMountMessage(changes: Partial<MountRequest> = {}): Required<MountRequest> {
  return {
    attributes: anAttributes(),
    secrets: "null",
    targetPath: aTarget,
    permission: "420",
    currentObjectVersion: [],
    ...changes,
  };
}
