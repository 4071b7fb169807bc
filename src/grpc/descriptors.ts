import csiJson from "./generated/csi.json" with { type: "json" };
import type { ProtoGrpcType as CsiPackage } from "./generated/csi.ts";
import registrationJson from "./generated/pluginregistration.json" with { type: "json" };
import type { ProtoGrpcType as RegistrationPackage } from "./generated/pluginregistration.ts";
import { load } from "./load.ts";

/** The CSI services (proto/csi.proto). */
export const csi = (load(csiJson) as CsiPackage).csi.v1;

/** Kubelet's plugin registration (proto/pluginregistration.proto). */
export const pluginRegistration = (load(registrationJson) as RegistrationPackage).pluginregistration;
