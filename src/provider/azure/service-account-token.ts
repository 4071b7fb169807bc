import { decodeJwt, type JWTPayload } from "jose";
import { DriverError } from "../../errors.ts";
import type { Credentials } from "../../model.ts";
import { isJsonObject, memberOf, parseJson, textAt } from "./json.ts";

/** Whom a token speaks for: the pod's service account, as kubelet named it. */
export interface ServiceAccount {
  readonly namespace: string;
  readonly name: string;
}

/** A pod's service account token that fits: of this account, for this audience, unexpired when it was read. */
export interface ServiceAccountToken {
  readonly account: ServiceAccount;
  readonly audience: string;
  /** The token service of the cluster; what a federated credential names. Empty where the token does not say it in a plain way. */
  readonly issuer: string;
  readonly expiresAt: Date;
  /** The token itself. Never logged, never part of an error. */
  readonly value: string;
}

/** What a token is wanted for. */
export interface TokenDemand {
  readonly account: ServiceAccount;
  readonly audience: string;
  readonly now: Date;
}

/**
 * The token for an audience, out of kubelet's JSON (azure-provider 2.2). Its signature is the token service's to check;
 * that it is this pod's own and of use is checked here, since answers are shared under what it says (design section 9).
 * Throws InvalidRequest.
 */
export function parseServiceAccountToken(
  tokens: Credentials["serviceAccountTokens"],
  demand: TokenDemand,
): ServiceAccountToken {
  const { account, audience, now } = demand;
  const value = tokensByAudience(tokens ?? "", audience).get(audience) ?? "";
  if (value === "") throw invalid(`token for audience ${audience} not found: ${addRequest(audience)}`);
  const claims = claimsOf(value, audience);
  if (![claims.aud].flat().includes(audience))
    throw invalid(`token for audience ${audience} is meant for another audience`);
  if (claims.sub !== subjectOf(account))
    throw invalid(`token for audience ${audience} is not one of service account ${account.namespace}/${account.name}`);
  const expiresAt = new Date((claims.exp ?? 0) * 1000);
  // Not "later than": an invalid date is no date of the future either.
  if (!(expiresAt > now))
    throw invalid(
      `token for audience ${audience} has expired: kubelet hands over a new one, if this node's clock is right`,
    );
  return { account, audience, issuer: issuerOf(claims), expiresAt, value };
}

/** `sub` of the account's tokens (Kubernetes), and the subject that a federated credential names. */
export function subjectOf({ namespace, name }: ServiceAccount): string {
  return `system:serviceaccount:${namespace}:${name}`;
}

/** One malformed entry spoils all, whatever its audience. */
function tokensByAudience(tokens: string, audience: string): ReadonlyMap<string, string> {
  if (tokens.trim() === "") throw invalid(`service account tokens not found: ${addRequest(audience)}`);
  const parsed = parseJson(tokens);
  if (!isJsonObject(parsed)) throw malformed("the tokens are no JSON object");
  return new Map(Object.entries(parsed).map(([name, entry]) => [name, tokenOf(name, entry)]));
}

function tokenOf(audience: string, entry: unknown): string {
  if (!isJsonObject(entry)) throw malformed(`the entry of audience ${audience} is no JSON object`);
  const token = memberOf(entry, "token") ?? "";
  if (typeof token !== "string") throw malformed(`the token of audience ${audience} is no string`);
  const expiration = memberOf(entry, "expirationTimestamp") ?? null;
  if (expiration !== null && Number.isNaN(Date.parse(textAt(entry, "expirationTimestamp") ?? "")))
    throw malformed(`the expirationTimestamp of audience ${audience} is no time`);
  return token;
}

function claimsOf(token: string, audience: string): JWTPayload {
  try {
    return decodeJwt(token);
  } catch {
    // The library's words may quote the token.
    throw invalid(`token for audience ${audience} is no JSON Web Token`);
  }
}

/** It is shown to users, so only if it is what an issuer should be. */
function issuerOf({ iss }: JWTPayload): string {
  return typeof iss === "string" && /^https:\/\/[\w.:/-]{1,250}$/.test(iss) ? iss : "";
}

function addRequest(audience: string): string {
  return `the CSIDriver object must ask kubelet for it, by tokenRequests with audience ${audience}`;
}

function malformed(complaint: string): DriverError {
  return invalid(`failed to unmarshal service account tokens, error: ${complaint}`);
}

function invalid(message: string): DriverError {
  return new DriverError("InvalidRequest", message);
}
