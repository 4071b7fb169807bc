import { DriverError } from "../../errors.ts";
import { parseGoBool } from "../../formats/go-text.ts";
import type { ContentRequest, Parameters } from "../../model.ts";
import { withContext } from "./context.ts";

/** Which switch the class sets; None leaves the choice to clientID (azure-provider 2.1). */
export type IdentityMode = "None" | "PodIdentity" | "VMManagedIdentity" | "AzureTokenProxy";

/** The parameters of a SecretProviderClass, trimmed (azure-provider 1.2). */
export interface AzureParameters {
  readonly mode: IdentityMode;
  readonly keyvaultName: string;
  readonly tenantId: string;
  /** Blank: as the process was told. */
  readonly cloudName: string;
  readonly cloudEnvFileName: string;
  readonly clientId: string;
  /** Client id of a managed identity; empty: the one that the system assigned. */
  readonly userAssignedIdentityId: string;
  /** The pod's, from kubelet. */
  readonly serviceAccountName: string;
  /** YAML; may be blank. */
  readonly objects: string;
}

/** Reads the parameters, in the order of azure-provider 1.3, steps 1 to 8. Throws InvalidRequest. */
export function parseParameters({
  volume,
  parameters,
}: Pick<ContentRequest, "volume" | "parameters">): AzureParameters {
  const read = (key: string): string => textOf(parameters, key);
  if (volume.pod.name.trim() === "") throw missing("pod name is not provided");
  if (volume.pod.namespace.trim() === "") throw missing("pod namespace is not provided");
  const mode = parseMode(parameters);
  const keyvaultName = read("keyvaultName");
  if (keyvaultName === "") throw missing("keyvaultName is not provided");
  const tenantId = read("tenantID") || read("tenantId");
  if (tenantId === "") throw missing("tenantId is not provided");
  return {
    mode,
    keyvaultName,
    tenantId,
    cloudName: read("cloudName"),
    cloudEnvFileName: read("cloudEnvFileName"),
    clientId: read("clientID"),
    userAssignedIdentityId: read("userAssignedIdentityID"),
    serviceAccountName: read("csi.storage.k8s.io/serviceAccount.name"),
    objects: read("objects"),
  };
}

const switches = [
  ["usePodIdentity", "PodIdentity"],
  ["useVMManagedIdentity", "VMManagedIdentity"],
  ["useAzureTokenProxy", "AzureTokenProxy"],
] as const satisfies readonly (readonly [parameter: string, IdentityMode])[];

function parseMode(parameters: Parameters): IdentityMode {
  const on = switches.filter(([parameter]) => isOn(parameters, parameter));
  if (on.length > 1) {
    throw new DriverError(
      "InvalidRequest",
      "only one identity mode can be enabled at a time: usePodIdentity, useVMManagedIdentity, or useAzureTokenProxy",
    );
  }
  return on[0]?.[1] ?? "None";
}

function isOn(parameters: Parameters, parameter: string): boolean {
  const text = textOf(parameters, parameter);
  return text !== "" && withContext(`failed to parse ${parameter} flag, error: `, () => parseGoBool(text));
}

function textOf(parameters: Parameters, key: string): string {
  return Object.hasOwn(parameters, key) ? (parameters[key] ?? "").trim() : "";
}

function missing(message: string): DriverError {
  return new DriverError("InvalidRequest", message);
}
