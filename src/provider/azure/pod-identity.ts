import type { AccessToken } from "@azure/identity";
import { DriverError } from "../../errors.ts";
import type { PodIdentity } from "./identity.ts";
import { memberOf, parseJson, textAt } from "./json.ts";
import { askNode, faultWords, secondsOf, type NodeFault } from "./node-service.ts";
import type { TokenSource } from "./token-source.ts";

export interface Nmi {
  /** Of aad-pod-identity's daemon on this node, without a path. */
  readonly url: string;
  readonly timeoutMs: number;
}

/**
 * The tokens of the identity that aad-pod-identity has bound to a pod, from its daemon on this node (azure-provider 2.7).
 * They are for the cloud's Key Vault, whatever scope is asked for.
 */
export function nmiSource({ pod, cloud }: PodIdentity, { url, timeoutMs }: Nmi): TokenSource {
  // Not percent-encoded: the daemon compares it as it is.
  const address = `${url}/host/token/?resource=${cloud.keyVaultEndpoint.replace(/\/$/, "")}`;
  const headers = { podns: pod.namespace, podname: pod.name };
  return async () => {
    const answer = await askNode(address, { headers, timeoutMs });
    if ("fault" in answer) throw unanswered(url, answer);
    if (answer.status !== 200) throw refusal(answer.status);
    return parseToken(answer.body);
  };
}

function parseToken(body: string): AccessToken {
  const answer = parseJson(body);
  const token = textAt(answer, "token", "access_token") ?? "";
  const expiresOn = secondsOf(memberOf(memberOf(answer, "token"), "expires_on") ?? -3600);
  if (Number.isNaN(expiresOn))
    throw new DriverError("ProviderError", "nmi response is no token with an expires_on that is a number");
  if (token === "" || (textAt(answer, "clientid") ?? "") === "")
    throw new DriverError("ProviderError", "nmi did not return expected values in response: token and clientid");
  return { token, expiresOnTimestamp: expiresOn * 1000 };
}

function refusal(status: number): DriverError {
  const reason = status === 429 ? "Throttled" : status >= 500 ? "ProviderUnavailable" : "PermissionDenied";
  const remedy =
    "check that an AzureIdentityBinding selects the pod, and that its AzureIdentity is assigned to the node";
  return new DriverError(
    reason,
    `nmi response failed with status code: ${status}, response body: (not shown): ${remedy}`,
  );
}

function unanswered(url: string, { fault, cause }: NodeFault): DriverError {
  const remedy =
    fault === "broken"
      ? "the next attempt comes by itself"
      : "pod identity needs aad-pod-identity on this node, and this plugin in the node's network";
  return new DriverError("ProviderUnavailable", `nmi at ${url} ${faultWords[fault]}: ${remedy}`, { cause });
}
