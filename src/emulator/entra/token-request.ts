import type { AppRegistration, Directory, Tenant } from "./directory.ts";
import { entraRefusals } from "./refusals.ts";
import type { EntraRefusal } from "./refusals.ts";

/** A token that may be issued: to whom and for what. */
export interface Grant {
  readonly app: AppRegistration;
  readonly resource: string;
}

/** Whether a client-credentials request is granted; checked in Entra's order, the first failure is the answer. */
export function decideGrant(
  form: URLSearchParams,
  tenant: Tenant,
  directory: Directory,
  isResource: (resource: string) => boolean,
): Grant | EntraRefusal {
  const resource = judgeForm(form);
  if (typeof resource !== "string") return resource;
  const app = authenticate(form, tenant, directory);
  if ("error" in app) return app;
  if (!isResource(resource)) return entraRefusals.unknownResource(resource, tenant.domain ?? tenant.id);
  return { app, resource };
}

/** The resource that a well-formed request asks for. */
function judgeForm(form: URLSearchParams): string | EntraRefusal {
  const missing = ["grant_type", "client_id", "scope"].find((name) => !form.get(name));
  if (missing !== undefined) return entraRefusals.missingParameter(missing);
  const grantType = form.get("grant_type") ?? "";
  if (grantType !== "client_credentials") return entraRefusals.unsupportedGrant(grantType);
  return resourceOf(form.get("scope") ?? "");
}

/** The application that proves itself with its secret. */
function authenticate(form: URLSearchParams, tenant: Tenant, directory: Directory): AppRegistration | EntraRefusal {
  const clientId = form.get("client_id") ?? "";
  const app = directory.app(tenant.id, clientId);
  if (app === undefined) return entraRefusals.unknownApp(clientId, tenant.domain ?? tenant.id);
  const secret = form.get("client_secret");
  if (!secret) return entraRefusals.noClientSecret();
  return secret === app.clientSecret ? app : entraRefusals.wrongSecret(clientId);
}

/** Libraries add the OpenID scopes to what the caller asked for; exactly one other is left. */
function resourceOf(scope: string): string | EntraRefusal {
  const openid = new Set(["openid", "profile", "offline_access", "email"]);
  const asked = scope.split(" ").filter((word) => word !== "" && !openid.has(word));
  const [only] = asked;
  if (only === undefined || asked.length > 1 || !URL.canParse(only)) return entraRefusals.badScope(scope);
  if (!only.endsWith("/.default")) return entraRefusals.scopeWithoutDefault(scope);
  return only.slice(0, -"/.default".length);
}
