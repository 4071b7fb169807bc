import type { HealthHandlers } from "../grpc/generated/grpc/health/v1/Health.ts";
import { unary } from "../grpc/unary.ts";
import { unsupportedStream, unsupportedUnary } from "../grpc/unsupported.ts";
import type { Observers } from "./provider.ts";

/** gRPC's health service, as far as the established provider has it: whoever is asked for, this process serves. */
export function healthService({ log, metrics }: Observers): Pick<HealthHandlers, keyof HealthHandlers> {
  return {
    Check: unary(() => Promise.resolve({ status: "SERVING" as const }), log, metrics),
    List: unsupportedUnary("List is not supported"),
    Watch: unsupportedStream("Watch is not supported"),
  };
}
