import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import { createDirectory } from "./entra/directory.ts";
import type { AppRegistration, Directory } from "./entra/directory.ts";
import { entraRefusals, refuse } from "./entra/refusals.ts";
import { decideGrant } from "./entra/token-request.ts";
import type { Grant } from "./entra/token-request.ts";
import { createFront, type Steering } from "./front.ts";
import type { Handler } from "./listener.ts";
import type { Network } from "./network.ts";
import type { SigningKey } from "./signing-key.ts";

/** Host names of resources that tokens are issued for; others are unknown to the tenant. */
const resourceHosts = new Set([
  "vault.localhost",
  "vault.azure.net",
  "vault.usgovcloudapi.net",
  "vault.azure.cn",
  "vault.microsoftazure.de",
  "management.azure.com",
  "graph.microsoft.com",
]);

/** The token service: metadata, keys, and tokens for client credentials. */
export interface Entra extends Steering, Pick<Directory, "addTenant" | "register"> {
  readonly handler: Handler;
  /** Issues a token without asking for the secret. A negative lifetime makes one that has expired. */
  issue(grant: Grant, lifetimeS?: number): Promise<string>;
}

/** A token service with an empty directory. */
export function createEntra(signingKey: SigningKey, network: Network): Entra {
  const directory = createDirectory();
  const front = createFront({ network, refuse: refuseAll });
  const issue = (grant: Grant, lifetimeS = 3599): Promise<string> =>
    signingKey.sign(accessTokenClaims(grant.app, grant.resource, lifetimeS));

  async function token(tenantName: string, request: Request): Promise<Response> {
    const tenant = directory.tenant(tenantName);
    if (tenant === undefined) return refuse(entraRefusals.unknownTenant(tenantName));
    const form = new URLSearchParams(await request.text());
    const decision = decideGrant(form, tenant, directory, isResource);
    if ("error" in decision) return refuse(decision);
    const lifetime = { expires_in: 3599, ext_expires_in: 3599 };
    return Response.json({ token_type: "Bearer", ...lifetime, access_token: await issue(decision) });
  }

  function metadata(tenantName: string, host: string): Response {
    const tenant = directory.tenant(tenantName);
    if (tenant === undefined) return refuse(entraRefusals.unknownTenant(tenantName));
    return Response.json(openidConfiguration(`https://${host}/${tenant.id}`));
  }

  const app = new Hono()
    .get("/common/discovery/instance", (c) => instanceDiscovery(c.req.query("authorization_endpoint") ?? ""))
    .get("/:tenant/v2.0/.well-known/openid-configuration", (c) => metadata(c.req.param("tenant"), hostOf(c.req.raw)))
    .get("/:tenant/discovery/v2.0/keys", () => Response.json({ keys: [signingKey.publicJwk] }))
    .post("/:tenant/oauth2/v2.0/token", (c) => token(c.req.param("tenant"), c.req.raw));
  const handler: Handler = (request, connection) => front.receive(request, connection, () => app.fetch(request));
  return { ...front.steering, addTenant: directory.addTenant, register: directory.register, handler, issue };
}

function refuseAll(status: number): Response {
  return refuse(status === 429 ? entraRefusals.tooManyRequests() : entraRefusals.unavailable(status));
}

function hostOf(request: Request): string {
  return new URL(request.url).host;
}

function isResource(resource: string): boolean {
  return resourceHosts.has(new URL(resource).hostname);
}

function openidConfiguration(authority: string): object {
  return {
    token_endpoint: `${authority}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ["client_secret_post"],
    jwks_uri: `${authority}/discovery/v2.0/keys`,
    response_modes_supported: ["query", "fragment", "form_post"],
    subject_types_supported: ["pairwise"],
    id_token_signing_alg_values_supported: ["RS256"],
    response_types_supported: ["code", "id_token", "code id_token", "id_token token"],
    scopes_supported: ["openid", "profile", "email", "offline_access"],
    issuer: `${authority}/v2.0`,
    authorization_endpoint: `${authority}/oauth2/v2.0/authorize`,
    claims_supported: ["sub", "iss", "aud", "exp", "iat"],
  };
}

/** Which authorities are one cloud; libraries ask it of the public cloud's login before they trust another. */
function instanceDiscovery(authorizationEndpoint: string): Response {
  if (!URL.canParse(authorizationEndpoint)) return refuse(entraRefusals.missingParameter("authorization_endpoint"));
  const { host, origin, pathname } = new URL(authorizationEndpoint);
  const tenant = pathname.split("/")[1] ?? "";
  return Response.json({
    tenant_discovery_endpoint: `${origin}/${tenant}/v2.0/.well-known/openid-configuration`,
    "api-version": "1.1",
    metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
  });
}

function accessTokenClaims(app: AppRegistration, resource: string, lifetimeS: number): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000);
  const issuer = `https://sts.windows.net/${app.tenantId}/`;
  return {
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
  };
}
