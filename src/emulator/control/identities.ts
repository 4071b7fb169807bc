import { Hono, type Context } from "hono";
import type { JSONWebKeySet } from "jose";
import type { Entra } from "../entra.ts";
import type { Imds } from "../imds.ts";
import type { Nmi } from "../nmi.ts";
import type { TokenProxy } from "../token-proxy.ts";
import type { Vaults } from "../vault.ts";
import { parseRights } from "../vault/access.ts";
import { parseFields } from "./fields.ts";

interface IdentityParts {
  readonly vaults: Vaults;
  readonly entra: Entra;
  readonly imds: Imds;
  readonly nmi: Nmi;
  readonly tokenProxy: TokenProxy;
}

const client = { tenantId: "text", clientId: "text" } as const;
const principal = { ...client, objectId: "text" } as const;

/** The commands that say who exists, how they prove it, and what they may; a renewed authority is answered with its PEM. */
export function createIdentityControl({ vaults, entra, imds, nmi, tokenProxy }: IdentityParts): Hono {
  const app = new Hono();
  put(app, "/entra/apps", (json) => {
    entra.register(parseFields(json, { ...principal, clientSecret: "text?" }));
  });
  put(app, "/entra/issuers", (json) => {
    const { issuer, jwks } = parseIssuer(json);
    entra.trustIssuer(issuer, jwks);
  });
  put(app, "/entra/federations", (json) => {
    entra.federate(parseFields(json, { ...client, issuer: "text", subject: "text", audience: "text" }));
  });
  put(app, "/vaults/:name/access/:objectId", (json, c) => {
    vaults.named(c.req.param("name") ?? "").allow(c.req.param("objectId") ?? "", parseRights(json));
  });
  put(app, "/imds/identities", (json) => {
    imds.assign(parseFields(json, { ...principal, system: "flag?" }));
  });
  put(app, "/nmi/bindings", (json) => {
    nmi.bind(parseFields(json, { ...principal, namespace: "text", podName: "text" }));
  });
  put(app, "/token-proxy/bindings", (json) => {
    tokenProxy.bindIdentity(parseFields(json, { ...principal, subject: "text" }));
  });
  app.post("/token-proxy/authority", async (c) => c.text(await tokenProxy.renewAuthority()));
  return app;
}

function put(app: Hono, path: string, take: (json: unknown, c: Context) => void): void {
  app.put(path, async (c) => {
    take(await c.req.json(), c);
    return new Response(null, { status: 204 });
  });
}

function parseIssuer(json: unknown): { readonly issuer: string; readonly jwks: JSONWebKeySet } {
  const { jwks, ...rest } = { ...(json as { readonly jwks?: JSONWebKeySet } | null) };
  const { issuer } = parseFields(rest, { issuer: "text" });
  if (!Array.isArray(jwks?.keys)) throw new Error("jwks must be a JSON object with a list of keys");
  return { issuer, jwks };
}
