import type { ClientSecretCredentialOptions } from "@azure/identity";

/** A step of the SDK's pipeline. */
export type PipelinePolicy = NonNullable<ClientSecretCredentialOptions["additionalPolicies"]>[number]["policy"];
