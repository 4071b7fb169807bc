import { Hono } from "hono";
import type { SigningKey } from "../signing-key.ts";
import { adfsTenant, issueToken } from "./access-token.ts";
import { adfsConfiguration, refuseAsAdfs } from "./adfs.ts";
import type { Directory } from "./directory.ts";
import { entraRefusals, refuse } from "./refusals.ts";
import { decideGrant } from "./token-request.ts";
import type { Prove } from "./token-request.ts";

/** How long a token is good for, in seconds. */
export const tokenLifetimeS = 3599;

export interface EndpointsOptions {
  readonly signingKey: SigningKey;
  readonly directory: Directory;
  /** Who asks for a token. */
  readonly prove: Prove;
}

type Endpoints = (request: Request) => Response | Promise<Response>;

/** What a token service serves: discovery, metadata, keys and tokens, of Entra ID and of AD FS. */
export function createEndpoints({ signingKey, directory, prove }: EndpointsOptions): Endpoints {
  const keys = (): Response => Response.json({ keys: [signingKey.publicJwk] });

  async function token(tenantName: string, request: Request): Promise<Response> {
    const tenant = directory.tenant(tenantName);
    if (tenant === undefined) return refuse(entraRefusals.unknownTenant(tenantName));
    const decision = await decideGrant(new URLSearchParams(await request.text()), tenant, prove);
    if ("error" in decision) return tenantName === adfsTenant ? refuseAsAdfs(decision) : refuse(decision);
    const grant = { ...decision, authority: originOf(request) };
    const lifetime = { expires_in: tokenLifetimeS, ext_expires_in: tokenLifetimeS };
    const issued = await issueToken(signingKey, grant, tokenLifetimeS);
    return Response.json({ token_type: "Bearer", ...lifetime, access_token: issued });
  }

  function metadata(tenantName: string, request: Request): Response {
    const tenant = directory.tenant(tenantName);
    if (tenant === undefined) return refuse(entraRefusals.unknownTenant(tenantName));
    return Response.json(openidConfiguration(`${originOf(request)}/${tenant.id}`));
  }

  const app = new Hono()
    .get("/common/discovery/instance", (c) => instanceDiscovery(c.req.query("authorization_endpoint") ?? ""))
    .get("/adfs/.well-known/openid-configuration", (c) =>
      c.json(adfsConfiguration(`${originOf(c.req.raw)}/${adfsTenant}`)),
    )
    .get("/adfs/discovery/keys", keys)
    .post("/adfs/oauth2/token/", (c) => token(adfsTenant, c.req.raw))
    .all("/adfs/*", (c) => c.notFound())
    .get("/:tenant/v2.0/.well-known/openid-configuration", (c) => metadata(c.req.param("tenant"), c.req.raw))
    .get("/:tenant/discovery/v2.0/keys", keys)
    .post("/:tenant/oauth2/v2.0/token", (c) => token(c.req.param("tenant"), c.req.raw));
  return (request) => app.fetch(request);
}

/** Of the host that the client named. */
function originOf(request: Request): string {
  return `https://${new URL(request.url).host}`;
}

function openidConfiguration(authority: string): object {
  return {
    token_endpoint: `${authority}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ["client_secret_post", "private_key_jwt"],
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
