import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import {
  SignJWT,
  calculateJwkThumbprint,
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  importJWK,
  jwtVerify,
} from "jose";
import type { JWK, JWTPayload } from "jose";

/** An RS256 key of an issuer of tokens. */
export interface SigningKey {
  /** The public key as it stands in a JWKS. */
  readonly publicJwk: JWK;
  sign(claims: JWTPayload): Promise<string>;
  /** The claims of a token that this key signed and that is valid now; throws jose's error otherwise. */
  verify(token: string): Promise<JWTPayload>;
}

/** The key kept in a file, made at the first call. */
export async function openSigningKey(file: string): Promise<SigningKey> {
  const privateJwk = existsSync(file) ? (JSON.parse(await readFile(file, "utf8")) as JWK) : await makeKey(file);
  const { kty, n, e, kid } = privateJwk;
  const publicJwk = { kty, n, e, kid, use: "sig", alg: "RS256" } as JWK;
  const key = await importJWK(privateJwk, "RS256");
  const keySet = createLocalJWKSet({ keys: [publicJwk] });
  return {
    publicJwk,
    sign: (claims) => new SignJWT(claims).setProtectedHeader({ typ: "JWT", alg: "RS256", kid: kid ?? "" }).sign(key),
    verify: async (token) => (await jwtVerify(token, keySet, { algorithms: ["RS256"] })).payload,
  };
}

async function makeKey(file: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  const jwk = await exportJWK(privateKey);
  const named = { ...jwk, kid: await calculateJwkThumbprint(jwk) };
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify(named), { mode: 0o600 });
  return named;
}
