import { STATUS_CODES } from "node:http";
import { DriverError, type Reason } from "../../errors.ts";
import { parseJson, textAt } from "./json.ts";
import { faultWords, type NodeFault } from "./node-service.ts";

/** An answer of the metadata service without a token. */
export interface MetadataAnswer {
  readonly status: number;
  readonly body: string;
}

/** The answer as one line that is the same whenever the fault is the same: of the body nothing is told, it is judged by pattern. */
export function metadataRefusal(answer: MetadataAnswer, clientId: string, cause?: unknown): DriverError {
  const { status } = answer;
  const told = `metadata service: RESPONSE ${status}: ${status} ${STATUS_CODES[status] ?? "Unknown"}`;
  if (status < 400) {
    const remedy = "look at what else answers at its address";
    return new DriverError("ProviderError", `${told} is no answer of the metadata service: ${remedy}`, { cause });
  }
  const remedy = status === 400 ? remedyOfRequest(answer.body, clientId) : remedyOf(status);
  return new DriverError(reasonOf(status), `${told}. ${remedy}`, { cause });
}

/** There is no answer, or only half of one. */
export function metadataFault({ fault, cause }: NodeFault): DriverError {
  const remedy =
    fault === "broken"
      ? "the next attempt comes by itself"
      : "managed identity needs a node in Azure, and this plugin in the node's network";
  return new DriverError("ProviderUnavailable", `the metadata service ${faultWords[fault]}: ${remedy}`, { cause });
}

function reasonOf(status: number): Reason {
  if (status === 429) return "Throttled";
  return status >= 500 || [404, 408, 410].includes(status) ? "ProviderUnavailable" : "PermissionDenied";
}

function remedyOfRequest(body: string, clientId: string): string {
  const answer = parseJson(body);
  const description = textAt(answer, "error_description") ?? "";
  if (textAt(answer, "error") === "invalid_resource" || /\bAADSTS(50001|500011)\b/.test(description))
    return "It does not know the Key Vault of this cloud: check cloudName, or keyVaultDNSSuffix of the cloud file";
  if (/multiple user assigned identities/i.test(description))
    return "The node has several identities: name one by userAssignedIdentityID";
  return clientId === ""
    ? "The node has no identity assigned by the system: assign one, or name another by userAssignedIdentityID"
    : "The node does not have that identity: assign it to the node, and check that userAssignedIdentityID is its client ID";
}

function remedyOf(status: number): string {
  if (status === 429) return "It is asked too often; the next attempt comes by itself";
  if (status === 404 || status === 410) return "It is being updated, or not Azure's; the next attempt comes by itself";
  if (status === 408 || status >= 500) return "It is out of order; the next attempt comes by itself";
  return "It turns this plugin away: check that the node is in Azure, and what stands between its metadata service and this plugin";
}
