import healthJson from "./generated/health.json" with { type: "json" };
import type { ProtoGrpcType as HealthPackage } from "./generated/health.ts";
import { load } from "./load.ts";

/** gRPC's health service (proto/health.proto). */
export const health = (load(healthJson) as HealthPackage).grpc.health.v1;
