import { STATUS_CODES } from "node:http";
import { DriverError, type Reason } from "../../errors.ts";
import { memberOf, parseJson, textAt } from "./json.ts";

/** What Entra ID answered when it was asked for a token. */
export interface EntraAnswer {
  readonly status: number;
  readonly body: string;
}

const inSecret = "in the Secret that nodePublishSecretRef names";

/** Entra's error numbers (AADSTS…), in our words: its own hold trace ids and change with every answer. */
const knownRefusals: Readonly<Record<string, string>> = {
  "7000215": `The client secret is wrong: put its value (not its ID) under clientsecret ${inSecret}`,
  "7000222": `The client secret has expired: make a new one for the application and put it under clientsecret ${inSecret}`,
  "7000112": `The application is disabled: enable it in its tenant, or change clientid and clientsecret ${inSecret}`,
  "700016": `The tenant does not know the application: check tenantID, and clientid ${inSecret}`,
  "50034": `The tenant does not know the account: check tenantID, and clientid ${inSecret}`,
  "90002": "The tenant does not exist: check tenantID",
  "900021": "The tenant does not exist: check tenantID",
  "900023": "The tenant is neither a GUID nor a verified domain: check tenantID",
  "500011": "The tenant does not know Key Vault as a resource: check tenantID and cloudName",
  "53003": "Conditional access keeps the application out: change the policy, or use another application",
};

/** Numbers that speak of the class alone: nothing was refused, the question was wrong. */
const wrongTenants = new Set(["90002", "900021", "900023"]);

/** A refusal as one line that is the same whenever the fault is the same. The authority is `https://host/tenant`. */
export function entraRefusal(authority: string, { status, body }: EntraAnswer, cause: unknown): DriverError {
  const number = refusalNumber(body);
  const code = number === undefined ? "ERROR CODE UNAVAILABLE" : `ERROR CODE: AADSTS${number}`;
  const answer = `${authority}: RESPONSE ${status}: ${status} ${STATUS_CODES[status] ?? "Unknown"}, ${code}`;
  return new DriverError(reasonOf(status, number), `${answer}. ${remedyOf(status, number)}`, { cause });
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
  return number !== undefined && wrongTenants.has(number) ? "InvalidRequest" : "PermissionDenied";
}

function remedyOf(status: number, number: string | undefined): string {
  const known = number !== undefined && Object.hasOwn(knownRefusals, number) ? knownRefusals[number] : undefined;
  if (known !== undefined) return known;
  if (status === 429) return "Entra ID limits sign-ins; the next attempt comes by itself";
  if (status >= 500 || status === 408) return "Entra ID is out of order; the next attempt comes by itself";
  if (status < 400) return "That is no answer of Entra ID with a token: a proxy may stand in between";
  return `Entra ID refused the sign-in: check tenantID, and clientid and clientsecret ${inSecret}`;
}
