import type { Grant } from "./access-token.ts";
import type { AppRegistration, Directory, Tenant } from "./directory.ts";
import { judgeAssertion } from "./federation.ts";
import { entraRefusals } from "./refusals.ts";
import type { EntraRefusal } from "./refusals.ts";
import { isResource } from "./resources.ts";

/** The application that a request proves to come from. */
export type Prove = (form: URLSearchParams, tenant: Tenant) => Promise<AppRegistration | EntraRefusal>;

const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** Whether a client-credentials request is granted; checked in Entra's order, the first failure is the answer. */
export async function decideGrant(form: URLSearchParams, tenant: Tenant, prove: Prove): Promise<Grant | EntraRefusal> {
  const resource = judgeForm(form);
  if (typeof resource !== "string") return resource;
  const app = await prove(form, tenant);
  if ("error" in app) return app;
  if (!isResource(resource)) return entraRefusals.unknownResource(resource, tenant.domain ?? tenant.id);
  return { app, resource };
}

/** By secret or assertion, as the directory knows the application. */
export function proveBy(directory: Directory): Prove {
  return async (form, tenant) => {
    const clientId = form.get("client_id") ?? "";
    const app = directory.app(tenant.id, clientId);
    if (app === undefined) return entraRefusals.unknownApp(clientId, tenant.domain ?? tenant.id);
    const assertion = assertionOf(form);
    if (assertion === undefined) return proveBySecret(form, app);
    if (typeof assertion !== "string") return assertion;
    return (await judgeAssertion(assertion, directory.credentials(app), directory.keysOf)) ?? app;
  };
}

/** The assertion that a request brings, or what is wrong with how it brings it; undefined without one. */
export function assertionOf(form: URLSearchParams): string | EntraRefusal | undefined {
  const assertion = form.get("client_assertion");
  if (!assertion) return undefined;
  const type = form.get("client_assertion_type");
  if (!type) return entraRefusals.missingParameter("client_assertion_type");
  return type === jwtBearer ? assertion : entraRefusals.malformedRequest();
}

function proveBySecret(form: URLSearchParams, app: AppRegistration): AppRegistration | EntraRefusal {
  const secret = form.get("client_secret");
  if (!secret) return entraRefusals.noClientSecret();
  return secret === app.clientSecret ? app : entraRefusals.wrongSecret(app.clientId);
}

/** The resource that a well-formed request asks for. */
function judgeForm(form: URLSearchParams): string | EntraRefusal {
  const missing = ["grant_type", "client_id", "scope"].find((name) => !form.get(name));
  if (missing !== undefined) return entraRefusals.missingParameter(missing);
  const grantType = form.get("grant_type") ?? "";
  if (grantType !== "client_credentials") return entraRefusals.unsupportedGrant(grantType);
  return resourceOf(form.get("scope") ?? "");
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
