import { STATUS_CODES } from "node:http";
import { DriverError, type Reason } from "../../errors.ts";
import type { FederatedIdentity, ServicePrincipal } from "./identity.ts";
import { memberOf, parseJson, textAt } from "./json.ts";
import { subjectOf } from "./service-account-token.ts";
import type { TokenRefusal } from "./witness.ts";

/** Who asks Entra ID itself for a token, be it by way of the cluster's token proxy. */
export type EntraClient = ServicePrincipal | FederatedIdentity;

/** An address of Entra ID, `https://host/tenant`, and who asked there. */
export interface EntraQuestion {
  readonly authority: string;
  readonly client: EntraClient;
}

/** Entra's error numbers (AADSTS…), in our words: its own hold trace ids and change with every answer. */
const knownRefusals: Readonly<Record<string, (client: EntraClient) => string>> = {
  "7000215": () =>
    "The client secret is wrong: put its value (not its ID) under clientsecret in the Secret that nodePublishSecretRef names",
  "7000222": () =>
    "The client secret has expired: make a new one for the application and put it under clientsecret in the Secret that nodePublishSecretRef names",
  "7000112": (client) => `The application is disabled: enable it in its tenant, or change ${idOf(client)}`,
  "700016": (client) =>
    client.kind === "binding"
      ? bindIdentity(client)
      : `The tenant does not know the application: check tenantID, and ${idOf(client)}`,
  "50034": (client) => `The tenant does not know the account: check tenantID, and ${idOf(client)}`,
  "90002": () => "The tenant does not exist: check tenantID",
  "900021": () => "The tenant does not exist: check tenantID",
  "900023": () => "The tenant is neither a GUID nor a verified domain: check tenantID",
  "500011": () => "The tenant does not know Key Vault as a resource: check tenantID and cloudName",
  "53003": () => "Conditional access keeps the application out: change the policy, or use another application",
  "70021": addFederation,
  "700211": addFederation,
  "700212": addFederation,
  "700213": addFederation,
  "700024": () => "The service account token is not valid at this time: check the clock of this node",
  "700027": publishKeys,
  "7000272": publishKeys,
  "50027": publishKeys,
  "5000224": publishKeys,
  "501661": openIssuer,
  "50166": openIssuer,
  "90061": openIssuer,
};

/** Entra ID could not reach the cluster's token service: nothing was refused, and it may be over soon. */
const unreadIssuers = new Set(["501661", "50166", "90061"]);

/** Numbers that speak of the class alone: nothing was refused, the question was wrong. */
const wrongTenants = new Set(["90002", "900021", "900023"]);

/** A refusal as one line that is the same whenever the fault is the same. */
export function entraRefusal(
  { authority, client }: EntraQuestion,
  { status, body }: TokenRefusal,
  cause: unknown,
): DriverError {
  const number = refusalNumber(body);
  const code = number === undefined ? "ERROR CODE UNAVAILABLE" : `ERROR CODE: AADSTS${number}`;
  const answer = `${authority}: RESPONSE ${status}: ${status} ${STATUS_CODES[status] ?? "Unknown"}, ${code}`;
  return new DriverError(reasonOf(status, number), `${answer}. ${remedyOf(client, status, number)}`, { cause });
}

function refusalNumber(body: string): string | undefined {
  const parsed = parseJson(body);
  const codes = memberOf(parsed, "error_codes");
  const first: unknown = Array.isArray(codes) ? codes[0] : undefined;
  const listed = typeof first === "number" ? String(first) : "";
  if (/^\d{4,8}$/.test(listed)) return listed;
  return /\bAADSTS(\d{4,8})\b/.exec(textAt(parsed, "error_description") ?? "")?.[1];
}

function reasonOf(status: number, number: string | undefined): Reason {
  if (status === 429) return "Throttled";
  if (status >= 500 || status === 408) return "ProviderUnavailable";
  if (status < 400) return "ProviderError";
  if (number !== undefined && wrongTenants.has(number)) return "InvalidRequest";
  return number !== undefined && unreadIssuers.has(number) ? "ProviderUnavailable" : "PermissionDenied";
}

function remedyOf(client: EntraClient, status: number, number: string | undefined): string {
  const known = number !== undefined && Object.hasOwn(knownRefusals, number) ? knownRefusals[number] : undefined;
  if (known !== undefined) return known(client);
  if (status === 429) return "Entra ID limits sign-ins; the next attempt comes by itself";
  if (status >= 500 || status === 408) return "Entra ID is out of order; the next attempt comes by itself";
  if (status < 400) return "That is no answer of Entra ID with a token: a proxy may stand in between";
  return remedyFor(client);
}

/** For a refusal whose number nobody here knows. */
function remedyFor(client: EntraClient): string {
  if (client.kind === "binding") return bindIdentity(client);
  const rest = client.kind === "servicePrincipal" ? "clientid and clientsecret" : "clientID";
  return `Entra ID refused the sign-in: check tenantID, and ${rest}${inSecret(client)}`;
}

function bindIdentity(client: FederatedIdentity): string {
  return `The token proxy refused the sign-in: check clientID, bind that managed identity to this cluster, and let ${accountOf(client)} use it (verb use-managed-identity on ${client.clientId} in API group cid.wi.aks.azure.com)`;
}

function idOf(client: EntraClient): string {
  return client.kind === "servicePrincipal" ? `clientid${inSecret(client)}` : "clientID";
}

function inSecret(client: EntraClient): string {
  return client.kind === "servicePrincipal" ? " in the Secret that nodePublishSecretRef names" : "";
}

function addFederation(client: EntraClient): string {
  if (client.kind === "servicePrincipal") return "Entra ID refused the sign-in: the application has no such credential";
  if (client.kind === "binding") return bindIdentity(client);
  const { account, audience, issuer } = client.token;
  return `No federated credential of the application fits: add one with issuer ${issuer || "of this cluster"}, subject ${subjectOf(account)} and audience ${audience}`;
}

function publishKeys(client: EntraClient): string {
  const issuer = client.kind === "servicePrincipal" ? "" : client.token.issuer;
  return `Entra ID could not verify the service account token: the keys of its issuer ${issuer || "(this cluster)"} must be public and current`;
}

function openIssuer(client: EntraClient): string {
  const issuer = client.kind === "servicePrincipal" ? "" : client.token.issuer;
  return `Entra ID could not read the keys of issuer ${issuer || "(this cluster)"}: its address must be public`;
}

function accountOf({ token: { account } }: FederatedIdentity): string {
  return `service account ${account.namespace}/${account.name}`;
}
