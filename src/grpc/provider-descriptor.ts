import providerJson from "./generated/provider.json" with { type: "json" };
import type { ProtoGrpcType as ProviderPackage } from "./generated/provider.ts";
import { load } from "./load.ts";

/** What drivers and providers speak (proto/provider.proto). */
export const provider = (load(providerJson) as ProviderPackage).v1alpha1;
