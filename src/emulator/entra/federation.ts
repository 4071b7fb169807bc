import { decodeJwt, decodeProtectedHeader, errors, jwtVerify } from "jose";
import type { JWTPayload } from "jose";
import type { Directory, FederatedCredential, IssuerKeys } from "./directory.ts";
import { entraRefusals } from "./refusals.ts";
import type { EntraRefusal } from "./refusals.ts";

const algorithms = ["RS256", "RS384", "RS512"];

/** An assertion as it was read, before anything of it is believed. */
interface Assertion {
  readonly text: string;
  readonly keyId: string;
  readonly algorithm: string;
  readonly claims: JWTPayload;
}

/**
 * Why an assertion does not prove an application that has these credentials; undefined when it does. Checked in Entra's
 * order: is it a JWT, does a credential match it, did its issuer sign it, is it valid now.
 */
export async function judgeAssertion(
  text: string,
  credentials: readonly FederatedCredential[],
  keysOf: Directory["keysOf"],
): Promise<EntraRefusal | undefined> {
  const assertion = read(text);
  if (assertion === undefined) return entraRefusals.malformedAssertion();
  const { claims } = assertion;
  const missing = (["iss", "sub", "aud"] as const).find((claim) => claims[claim] === undefined);
  if (missing !== undefined) return entraRefusals.missingClaim(missing);
  return match(claims, credentials) ?? (await verify(assertion, keysOf(claims.iss ?? "")));
}

function read(text: string): Assertion | undefined {
  try {
    const { kid = "", alg = "" } = decodeProtectedHeader(text);
    return { text, keyId: kid, algorithm: alg, claims: decodeJwt(text) };
  } catch {
    return undefined;
  }
}

/** What of the claims no credential has. */
function match(
  { iss = "", sub = "", aud = [] }: JWTPayload,
  credentials: readonly FederatedCredential[],
): EntraRefusal | undefined {
  const ofIssuer = credentials.filter(({ issuer }) => issuer === iss);
  if (ofIssuer.length === 0) return entraRefusals.noCredential("issuer", iss);
  const forAudience = ofIssuer.filter(({ audience }) => [aud].flat().includes(audience));
  if (forAudience.length === 0) return entraRefusals.noCredential("audience", [aud].flat().join());
  const isSubject = forAudience.some(({ subject }) => subject === sub);
  return isSubject ? undefined : entraRefusals.noCredential("subject", sub);
}

async function verify(assertion: Assertion, keys: IssuerKeys | undefined): Promise<EntraRefusal | undefined> {
  const { text, keyId, claims } = assertion;
  if (keys === undefined) return entraRefusals.unreachableIssuer();
  // Jose would take the only key of an issuer, whether the token names it or not.
  if (keyId === "") return entraRefusals.unknownKey(keyId, claims.iss ?? "");
  try {
    await jwtVerify(text, keys, { algorithms, requiredClaims: ["exp"] });
    return undefined;
  } catch (error) {
    return refusalOf(error, assertion);
  }
}

function refusalOf(error: unknown, { keyId, algorithm, claims }: Assertion): EntraRefusal {
  if (error instanceof errors.JOSEAlgNotAllowed) return entraRefusals.unsupportedAlgorithm(algorithm, algorithms);
  if (error instanceof errors.JWKSNoMatchingKey) return entraRefusals.unknownKey(keyId, claims.iss ?? "");
  if (error instanceof errors.JWSSignatureVerificationFailed) return entraRefusals.wrongSignature(keyId);
  const isEarly = error instanceof errors.JWTClaimValidationFailed && error.claim === "nbf";
  if (isEarly || error instanceof errors.JWTExpired) return entraRefusals.outsideValidTime(claims.nbf, claims.exp);
  return entraRefusals.malformedAssertion();
}
