import { STATUS_CODES } from "node:http";
import type { Kind } from "./objects.ts";

/** A refusal of the vault, in Key Vault's words. */
export interface VaultRefusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly inner?: string;
}

/** Singular of a kind, as messages name it. */
const nouns: Readonly<Record<Kind, string>> = { secrets: "secret", keys: "key", certificates: "certificate" };

function titled(kind: Kind): string {
  const noun = nouns[kind];
  return noun.charAt(0).toUpperCase() + noun.slice(1);
}

/** The refusals that a client of ours can meet. */
export const vaultRefusals = {
  noToken: (): VaultRefusal => unauthorized("AKV10000: Request is missing a Bearer or PoP token."),
  expiredToken: (): VaultRefusal => unauthorized("[TokenExpired] Error validating token: 'S2S12086'."),
  invalidToken: (): VaultRefusal =>
    unauthorized("[AggregatedAuthenticationFailure] Error validating token: 'S2S17001'."),
  wrongAudience: (expected: string, found: string): VaultRefusal =>
    unauthorized(`AKV10022: Invalid audience. Expected ${expected}, found: ${found}.`),
  wrongIssuer: (expected: string, found: string): VaultRefusal =>
    unauthorized(`AKV10032: Invalid issuer. Expected one of ${expected}, found ${found}.`),
  accessDenied: (caller: string, kind: Kind, right: string, vault: string): VaultRefusal => ({
    status: 403,
    code: "Forbidden",
    inner: "AccessDenied",
    message:
      `The user, group or application '${caller}' does not have ${kind} ${right} permission on key vault ` +
      `'${vault};location=westeurope'. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287`,
  }),
  disabled: (kind: Kind): VaultRefusal => ({
    status: 403,
    code: "Forbidden",
    inner: `${titled(kind)}Disabled`,
    message: `Operation get is not allowed on a disabled ${nouns[kind]}.`,
  }),
  notFound: (kind: Kind, id: string): VaultRefusal => ({
    status: 404,
    code: `${titled(kind)}NotFound`,
    message:
      `A ${nouns[kind]} with (name/id) ${id} was not found in this key vault. If you recently deleted this ` +
      `${nouns[kind]} you may be able to recover it using the correct recovery command. For help resolving this ` +
      "issue, please see https://go.microsoft.com/fwlink/?linkid=2125182",
  }),
  nameIsDeleted: (kind: Kind, name: string): VaultRefusal => ({
    status: 409,
    code: "Conflict",
    inner: "ObjectIsDeletedButRecoverable",
    message:
      `${titled(kind)} ${name} is currently in a deleted but recoverable state, and its name cannot be reused; in this ` +
      `state, the ${nouns[kind]} can only be recovered or purged.`,
  }),
  noApiVersion: (): VaultRefusal => badParameter("api-version must be specified"),
  unknownApiVersion: (version: string, latest: string): VaultRefusal =>
    badParameter(
      `The specified version (${version}) is not recognized. Consider using the latest supported version (${latest}).`,
    ),
  invalidName: (name: string): VaultRefusal => badParameter(`The request URI contains an invalid name: ${name}`),
  badBody: (message: string): VaultRefusal => badParameter(message),
  unknownVault: (host: string): VaultRefusal => ({
    status: 404,
    code: "VaultNotFound",
    message: `The emulator has no vault ${host} (with Azure the host name would not resolve).`,
  }),
  throttled: (): VaultRefusal => ({
    status: 429,
    code: "Throttled",
    message: "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached",
  }),
  failed: (status: number): VaultRefusal => ({
    status,
    code: (STATUS_CODES[status] ?? "Unknown Error").replaceAll(/[^A-Za-z]/g, ""),
    message: `The emulator was told to answer with ${status}.`,
  }),
  unknownRoute: (): VaultRefusal => ({
    status: 405,
    code: "MethodNotAllowed",
    message: "The emulator does not serve this method and path.",
  }),
} as const;

/** The body of a refusal as Key Vault sends it. */
export function refusalBody({ code, message, inner }: VaultRefusal): object {
  return { error: { code, message, ...(inner === undefined ? {} : { innererror: { code: inner } }) } };
}

function unauthorized(message: string): VaultRefusal {
  return { status: 401, code: "Unauthorized", message };
}

function badParameter(message: string): VaultRefusal {
  return { status: 400, code: "BadParameter", message };
}
