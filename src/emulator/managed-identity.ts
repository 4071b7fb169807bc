import type { Grant } from "./entra/access-token.ts";

/** An identity that Azure manages: nobody has to know a secret to be it. */
export interface ManagedIdentity {
  readonly clientId: string;
  /** What access policies name. */
  readonly objectId: string;
  readonly tenantId: string;
}

/** Issues a token for so many seconds. */
export type Issue = (grant: Grant, lifetimeS: number) => Promise<string>;

/** Tokens of managed identities are good for a day. */
const lifetimeS = 86_399;

/** A token as IMDS and NMI give it: all numbers are texts. */
export interface ManagedToken {
  readonly access_token: string;
  readonly expires_in: string;
  readonly expires_on: string;
  readonly not_before: string;
  readonly resource: string;
  readonly token_type: "Bearer";
}

/** A new token of a managed identity. */
export async function issueManaged(issue: Issue, app: ManagedIdentity, resource: string): Promise<ManagedToken> {
  const now = Math.floor(Date.now() / 1000);
  return {
    access_token: await issue({ app, resource }, lifetimeS),
    expires_in: String(lifetimeS),
    expires_on: String(now + lifetimeS),
    not_before: String(now - 300),
    resource,
    token_type: "Bearer",
  };
}

/** Ids are equal in any case of their letters. */
export function isSameId(id: string, other: string): boolean {
  return id.toLowerCase() === other.toLowerCase();
}
