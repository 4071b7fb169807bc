import { loadPackageDefinition } from "@grpc/grpc-js";
import { fromJSON, type Options } from "@grpc/proto-loader";
import csiJson from "./generated/csi.json" with { type: "json" };
import type { ProtoGrpcType as CsiPackage } from "./generated/csi.ts";
import registrationJson from "./generated/pluginregistration.json" with { type: "json" };
import type { ProtoGrpcType as RegistrationPackage } from "./generated/pluginregistration.ts";

/** The same options as in scripts/generate.ts: types and values agree. */
const options: Options = { longs: String, enums: String, defaults: true, oneofs: true };

function load(json: unknown): unknown {
  return loadPackageDefinition(fromJSON(json as Parameters<typeof fromJSON>[0], options));
}

/** The CSI services (proto/csi.proto), from descriptors that were generated and committed: nothing is parsed at start. */
export const csi = (load(csiJson) as CsiPackage).csi.v1;

/** Kubelet's plugin registration (proto/pluginregistration.proto). */
export const pluginRegistration = (load(registrationJson) as RegistrationPackage).pluginregistration;
