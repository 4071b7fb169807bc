import { createHash } from "node:crypto";
import { DriverError } from "../../errors.ts";
import type { Credentials, Parameters } from "../../model.ts";
import type { Cloud } from "./cloud.ts";
import { withContext } from "./context.ts";
import type { AzureParameters, IdentityMode } from "./parameters.ts";

/** Who asks the vault: an application that proves itself by a client secret (azure-provider 2.3). */
export interface ServicePrincipal {
  readonly tenantId: string;
  readonly clientId: string;
  /** Never logged, never part of an error. */
  readonly clientSecret: string;
  readonly cloud: Cloud;
}

/**
 * What proves the right to read: answers are shared under one key and never across keys. A changed client secret is another
 * key. The secret is in it as a hash only.
 */
export function identityKey({ tenantId, clientId, clientSecret, cloud }: ServicePrincipal): string {
  const proof = [cloud.authorityHost, cloud.vaultSuffix, tenantId, clientId, clientSecret];
  return createHash("sha256").update(JSON.stringify(proof)).digest("hex");
}

/** Chooses the identity of a request by azure-provider 2.1. Throws InvalidRequest. */
export function chooseIdentity(parameters: AzureParameters, cloud: Cloud, credentials: Credentials): ServicePrincipal {
  const { mode, tenantId } = parameters;
  return withContext(`failed to build auth config for mode ${mode}: `, () => {
    const parameter = unsupportedParameter(parameters);
    if (parameter !== undefined) throw unsupported(parameter);
    return { tenantId, cloud, ...clientCredentials(credentials.secrets) };
  });
}

const parameterOf: Readonly<Record<Exclude<IdentityMode, "None">, string>> = {
  PodIdentity: "usePodIdentity",
  VMManagedIdentity: "useVMManagedIdentity",
  AzureTokenProxy: "useAzureTokenProxy",
};

function unsupportedParameter({ mode, clientId }: AzureParameters): string | undefined {
  if (mode !== "None") return parameterOf[mode];
  return clientId === "" ? undefined : "clientID";
}

function unsupported(parameter: string): DriverError {
  const identity = parameter === "clientID" ? "workload identity" : "this identity mode";
  return new DriverError(
    "InvalidRequest",
    `${identity} is not supported by this version: leave out ${parameter} and use a service principal by nodePublishSecretRef`,
  );
}

/** Keys in any case; values as they are, a trailing newline included. */
function clientCredentials(secrets: Parameters | undefined): Pick<ServicePrincipal, "clientId" | "clientSecret"> {
  const entries = Object.entries(secrets ?? {});
  const own = entries.filter(([key]) => !key.startsWith("csi.storage.k8s.io/"));
  if (secrets === undefined || (own.length === 0 && entries.length > 0)) {
    throw new DriverError("InvalidRequest", "failed to get credentials, nodePublishSecretRef secret is not set");
  }
  const read = (name: string): string => {
    const value = own.find(([key]) => key.toLowerCase() === name)?.[1] ?? "";
    if (value.trim() !== "") return value;
    throw new DriverError(
      "InvalidRequest",
      `could not find ${name} in secrets: the Secret that nodePublishSecretRef names needs the keys clientid and clientsecret`,
    );
  };
  return { clientId: read("clientid"), clientSecret: read("clientsecret") };
}
