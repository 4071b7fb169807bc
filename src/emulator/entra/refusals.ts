import { randomUUID } from "node:crypto";

/** A refusal of the token service, in Entra's words. */
export interface EntraRefusal {
  readonly status: number;
  readonly error: string;
  /** Number of the AADSTS error. */
  readonly code: number;
  readonly message: string;
}

/** What of an assertion no federated credential has, and its number. */
const mismatches = { issuer: 700211, audience: 700212, subject: 700213 } as const;

/** The refusals that a client of ours can meet. */
export const entraRefusals = {
  wrongSecret: (clientId: string): EntraRefusal => ({
    status: 401,
    error: "invalid_client",
    code: 7000215,
    message:
      "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, " +
      `not the client secret ID, for a secret added to app '${clientId}'.`,
  }),
  unknownApp: (clientId: string, tenant: string): EntraRefusal => ({
    status: 400,
    error: "unauthorized_client",
    code: 700016,
    message:
      `Application with identifier '${clientId}' was not found in the directory '${tenant}'. This can happen if the ` +
      "application has not been installed by the administrator of the tenant or consented to by any user in the " +
      "tenant. You may have sent your authentication request to the wrong tenant.",
  }),
  unknownTenant: (tenant: string): EntraRefusal => ({
    status: 400,
    error: "invalid_request",
    code: 90002,
    message:
      `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the ` +
      "correct cloud. Check with your subscription administrator, this may happen if there are no active " +
      "subscriptions for the tenant.",
  }),
  missingParameter: (parameter: string): EntraRefusal => ({
    status: 400,
    error: "invalid_request",
    code: 900144,
    message: `The request body must contain the following parameter: '${parameter}'.`,
  }),
  noClientSecret: (): EntraRefusal => ({
    status: 401,
    error: "invalid_client",
    code: 7000218,
    message: "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
  }),
  malformedRequest: (): EntraRefusal => ({
    status: 400,
    error: "invalid_request",
    code: 9002313,
    message: "Invalid request. Request is malformed or invalid.",
  }),
  malformedAssertion: (): EntraRefusal => ({
    status: 400,
    error: "invalid_request",
    code: 50027,
    message: "JWT token is invalid or malformed.",
  }),
  missingClaim: (claim: string): EntraRefusal => ({
    status: 400,
    error: "invalid_request",
    code: 90014,
    message:
      `The required field '${claim}' is missing from the credential. Ensure that you have all the necessary ` +
      "parameters for the login request.",
  }),
  noCredential: (part: keyof typeof mismatches, found: string): EntraRefusal =>
    invalidClient(
      mismatches[part],
      `No matching federated identity record found for presented assertion ${part} '${found}'. Check your federated ` +
        "identity credential Subject, Audience and Issuer against the presented assertion. " +
        "https://learn.microsoft.com/entra/workload-id/workload-identity-federation",
    ),
  unreachableIssuer: (): EntraRefusal => ({
    status: 400,
    error: "invalid_request",
    code: 501661,
    message: "Request to External OIDC endpoint failed.",
  }),
  unsupportedAlgorithm: (found: string, supported: readonly string[]): EntraRefusal =>
    invalidClient(
      5002738,
      `Invalid JWT token. '${found}' is not a supported signature algorithm. Supported signing algorithms are: ` +
        `'${supported.join()}'`,
    ),
  unknownKey: (keyId: string, issuer: string): EntraRefusal =>
    invalidClient(
      7000272,
      `The certificate with identifier '${keyId}' used to sign the federated credential could not be found in the ` +
        `metadata of identity provider '${issuer}'.`,
    ),
  wrongSignature: (keyId: string): EntraRefusal =>
    invalidClient(
      700027,
      "Client assertion contains an invalid signature. [Reason - The provided signature value did not match the " +
        `expected signature value., Thumbprint of key used by client: '${keyId}']`,
    ),
  outsideValidTime: (notBefore = 0, expiry = 0): EntraRefusal =>
    invalidClient(
      700024,
      `Client assertion is not within its valid time range. Current time: ${timeText(Date.now())}, assertion valid ` +
        `from ${timeText(notBefore * 1000)}, expiry time of assertion ${timeText(expiry * 1000)}. Review the ` +
        "documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
    ),
  unsupportedGrant: (grantType: string): EntraRefusal => ({
    status: 400,
    error: "unsupported_grant_type",
    code: 70003,
    message: `The app requested an unsupported grant type '${grantType}'.`,
  }),
  badScope: (scope: string): EntraRefusal => ({
    status: 400,
    error: "invalid_scope",
    code: 70011,
    message:
      `The provided request must include a 'scope' input parameter. The provided value for the input parameter ` +
      `'scope' is not valid. The scope ${scope} is not valid.`,
  }),
  scopeWithoutDefault: (scope: string): EntraRefusal => ({
    status: 400,
    error: "invalid_scope",
    code: 1002012,
    message:
      `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with ` +
      "/.default suffixed to the resource identifier (application ID URI).",
  }),
  unknownResource: (resource: string, tenant: string): EntraRefusal => ({
    status: 400,
    error: "invalid_resource",
    code: 500011,
    message:
      `The resource principal named ${resource} was not found in the tenant named ${tenant}. This can happen if the ` +
      "application has not been installed by the administrator of the tenant or consented to by any user in the " +
      "tenant. You might have sent your authentication request to the wrong tenant.",
  }),
  tooManyRequests: (): EntraRefusal => ({
    status: 429,
    error: "temporarily_unavailable",
    code: 90055,
    message: "There are too many incoming requests. Please retry your request.",
  }),
  unavailable: (status: number): EntraRefusal => ({
    status,
    error: "temporarily_unavailable",
    code: 90033,
    message: "A transient error has occurred. Please try again.",
  }),
} as const;

/** The answer that carries a refusal; trace and correlation ids are new each time, as Entra's are. */
export function refuse({ status, error, code, message }: EntraRefusal): Response {
  const traceId = randomUUID();
  const correlationId = randomUUID();
  const timestamp = new Date()
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, "Z");
  const description = `AADSTS${code}: ${message} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`;
  const body = {
    error,
    error_description: description,
    error_codes: [code],
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
    error_uri: `https://login.microsoftonline.com/error?code=${code}`,
  };
  return Response.json(body, { status });
}

/** An error status that a fault demands. */
export function refuseAll(status: number): Response {
  return refuse(status === 429 ? entraRefusals.tooManyRequests() : entraRefusals.unavailable(status));
}

function invalidClient(code: number, message: string): EntraRefusal {
  return { status: 401, error: "invalid_client", code, message };
}

/** As .NET prints a time. */
function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace("Z", "0000Z");
}
