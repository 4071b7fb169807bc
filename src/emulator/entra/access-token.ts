import { randomUUID } from "node:crypto";
import type { SigningKey } from "../signing-key.ts";
import type { AppRegistration } from "./directory.ts";

/** The tenant of AD FS, which Azure Stack can have in the place of Entra ID. */
export const adfsTenant = "adfs";

/** A token that may be issued: to whom and for what. */
export interface Grant {
  readonly app: AppRegistration;
  readonly resource: string;
  /** The token service's own URL, without a slash at the end; needed for AD FS, whose tokens name it. */
  readonly authority?: string;
}

/** What the tokens of a tenant say has issued them. */
export function issuerOf(tenantId: string, authority: string | undefined): string {
  if (tenantId !== adfsTenant) return `https://sts.windows.net/${tenantId}/`;
  if (authority === undefined) throw new Error("a token of AD FS names the authority that issued it");
  return `${authority}/${adfsTenant}`;
}

/** Issues a token without asking for a proof. A negative lifetime makes one that has expired. */
export function issueToken(
  signingKey: SigningKey,
  { app, resource, authority }: Grant,
  lifetimeS: number,
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const issuer = issuerOf(app.tenantId, authority);
  return signingKey.sign({
    aud: resource,
    iss: issuer,
    iat: now,
    nbf: Math.min(now, now + lifetimeS) - 300,
    exp: now + lifetimeS,
    appid: app.clientId,
    appidacr: "1",
    idp: issuer,
    oid: app.objectId,
    sub: app.objectId,
    tid: app.tenantId,
    uti: randomUUID().replaceAll("-", "").slice(0, 22),
    ver: "1.0",
  });
}
