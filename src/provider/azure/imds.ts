import type { AccessToken } from "@azure/identity";
import { DriverError } from "../../errors.ts";
import type { ManagedIdentity } from "./identity.ts";
import { askPatiently, type Patience } from "./imds-retry.ts";
import { memberOf, parseJson, textAt } from "./json.ts";
import { metadataFault, metadataRefusal } from "./metadata-refusal.ts";
import { askNode, secondsOf } from "./node-service.ts";
import type { TokenSource } from "./token-source.ts";

export interface Imds extends Patience {
  /** `http://host:port`, without a path. */
  readonly url: string;
  readonly userAgent: string;
  /** A single request ends after this. */
  readonly timeoutMs: number;
}

/** Where the service is on every node in Azure, or by the SDKs' own variable somewhere else. Throws InvalidRequest. */
export function parseImdsUrl(text = ""): string {
  if (text === "") return "http://169.254.169.254";
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" && url.pathname === "/" && `${url.search}${url.hash}${url.username}` === "")
    return url.origin;
  throw new DriverError("InvalidRequest", "AZURE_POD_IDENTITY_AUTHORITY_HOST must be http://host:port");
}

/**
 * The tokens of an identity of this node, from the node's metadata service (azure-provider 2.6). Each call is a request:
 * nothing is kept here.
 */
export function imdsSource({ clientId }: ManagedIdentity, imds: Imds): TokenSource {
  const { url, userAgent, timeoutMs, clock } = imds;
  const headers = { metadata: "true", "user-agent": userAgent };
  return async (scopes) => {
    const resource = [scopes]
      .flat()
      .join(" ")
      .replace(/\/\.default$/, "");
    const chosen = clientId === "" ? {} : { client_id: clientId };
    const query = new URLSearchParams({ "api-version": "2018-02-01", resource, ...chosen });
    const address = `${url}/metadata/identity/oauth2/token?${query.toString()}`;
    const outcome = await askPatiently(() => askNode(address, { headers, timeoutMs }), imds);
    if ("fault" in outcome) throw metadataFault(outcome);
    const token = outcome.status === 200 ? parseToken(outcome.body, clock()) : undefined;
    if (token === undefined) throw metadataRefusal(outcome, clientId);
    return token;
  };
}

function parseToken(body: string, now: Date): AccessToken | undefined {
  const answer = parseJson(body);
  const token = textAt(answer, "access_token") ?? "";
  const expiresOn = secondsOf(memberOf(answer, "expires_on")) * 1000;
  const expiresIn = secondsOf(memberOf(answer, "expires_in")) * 1000;
  const expiresOnTimestamp = Number.isNaN(expiresOn) ? now.getTime() + expiresIn : expiresOn;
  return token === "" || Number.isNaN(expiresOnTimestamp) ? undefined : { token, expiresOnTimestamp };
}
