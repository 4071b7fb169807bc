import { once } from "node:events";
import { Agent, get as httpGet, type IncomingMessage, type RequestOptions } from "node:http";
import type { AccessToken } from "@azure/identity";
import { DriverError } from "../../errors.ts";
import type { PodIdentity } from "./identity.ts";
import { memberOf, parseJson, textAt } from "./json.ts";
import type { TokenSource } from "./token-source.ts";

/** Longer than any answer with a token. */
const LONGEST_ANSWER = 64 * 1024;

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
  // Of its own: no proxy stands between this plugin and its node.
  const agent = new Agent();
  return async () => {
    const answer = await get(address, { headers, agent, signal: AbortSignal.timeout(timeoutMs) }).catch(
      (cause: unknown) => {
        throw unreachable(url, cause);
      },
    );
    if (answer.status !== 200) throw refusal(answer.status);
    return parseToken(answer.body);
  };
}

/** The body is empty if it is longer than any answer with a token. */
async function get(url: string, options: RequestOptions): Promise<{ status: number; body: string }> {
  const request = httpGet(url, options);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LONGEST_ANSWER) break;
    chunks.push(chunk);
  }
  const body = size > LONGEST_ANSWER ? "" : Buffer.concat(chunks).toString();
  return { status: response.statusCode ?? 0, body };
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

/** A number, or digits as text. */
function secondsOf(value: unknown): number {
  if (typeof value === "number") return value;
  return typeof value === "string" && /^\d+(\.\d+)?$/.test(value) ? Number(value) : NaN;
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

function unreachable(url: string, cause: unknown): DriverError {
  const isLate = cause instanceof Error && cause.name === "AbortError";
  return new DriverError(
    "ProviderUnavailable",
    `nmi at ${url} ${isLate ? "does not answer" : "cannot be reached"}: pod identity needs aad-pod-identity on this node, and this plugin in the node's network`,
    { cause },
  );
}
