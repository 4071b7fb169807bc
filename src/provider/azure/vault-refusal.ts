import { STATUS_CODES } from "node:http";
import { DriverError, type Reason } from "../../errors.ts";
import { textAt } from "./json.ts";
import { parseRetryAfter, type Postponement } from "./retry-after.ts";
import type { VaultQuestion } from "./vault.ts";

/** What a vault refused, by its own answer. */
export class VaultRefusal extends DriverError {
  readonly status: number;
  /** What the vault asked for with a 429; undefined when it did not say. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, status: number, retryAfterMs: number | undefined) {
    super(reasonOf(status), message);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** An answer of a vault that is no success. */
export interface RefusedAnswer extends Postponement {
  readonly status: number;
  readonly parsedBody?: unknown;
}

/**
 * A vault's refusal as one line that is the same whenever the fault is the same: from the body come only the error
 * codes and the caller's id, by pattern (design section 9).
 */
export function vaultRefusal(question: VaultQuestion, answer: RefusedAnswer, now: Date): VaultRefusal {
  const { status, parsedBody: body } = answer;
  const code = codeAt(body, "error", "code");
  const inner = codeAt(body, "error", "innererror", "code");
  const facts = [
    `GET ${urlOf(question)}: RESPONSE ${status}: ${status} ${STATUS_CODES[status] ?? "Unknown"}`,
    code === undefined ? "ERROR CODE UNAVAILABLE" : `ERROR CODE: ${code}`,
    ...(inner === undefined ? [] : [`INNER ERROR CODE: ${inner}`]),
    ...callerIn(textAt(body, "error", "message") ?? ""),
  ];
  const message = `${facts.join(", ")}. ${remedyFor(question, [inner, code, String(status)])}`;
  return new VaultRefusal(message, status, parseRetryAfter(answer, now));
}

/** The address of an object, as asked for; without the query. */
export function urlOf({ vault, collection, name, version }: VaultQuestion): string {
  return `${vault.url}${collection}/${encodeURIComponent(name)}/${encodeURIComponent(version)}`;
}

function codeAt(body: unknown, ...path: readonly string[]): string | undefined {
  const code = textAt(body, ...path) ?? "";
  return /^[A-Za-z0-9]{1,64}$/.test(code) ? code : undefined;
}

function callerIn(message: string): readonly string[] {
  const guid = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";
  for (const name of ["appid", "oid"]) {
    const id = new RegExp(`\\b${name}=(${guid})\\b`).exec(message)?.[1];
    if (id !== undefined) return [`caller ${name}=${id.toLowerCase()}`];
  }
  return [];
}

function reasonOf(status: number): Reason {
  if (status === 401 || status === 403) return "PermissionDenied";
  if (status === 429) return "Throttled";
  return status >= 500 || status === 408 ? "ProviderUnavailable" : "ProviderError";
}

const roles: Readonly<Record<VaultQuestion["collection"], string>> = {
  secrets: "Key Vault Secrets User",
  keys: "Key Vault Crypto User",
  certificates: "Key Vault Certificate User",
};

/** A list of versions takes a right of its own. */
function rightOf({ version }: VaultQuestion): "get" | "list" {
  return version === "versions" ? "list" : "get";
}

type Remedy = (question: VaultQuestion) => string;

/** By error code or status; the first that matches any of the answer's, the inner code first. */
const remedies: readonly (readonly [pattern: RegExp, Remedy])[] = [
  [/NotFound$/, (q) => `Check objectName, objectType and objectVersion, or create it in vault ${q.vault.name}`],
  [/Disabled$/, (q) => `Enable it in vault ${q.vault.name}, or name another objectVersion`],
  [/^ForbiddenByRbac$/, (q) => `Give the caller the role ${roles[q.collection]} on vault ${q.vault.name}`],
  [
    /^(ForbiddenByPolicy|AccessDenied)$/,
    (q) => `Let an access policy of vault ${q.vault.name} allow the caller to ${rightOf(q)} ${q.collection}`,
  ],
  [
    /^ForbiddenBy(Firewall|Connection)$/,
    (q) => `Let the firewall of vault ${q.vault.name} admit this node, or use a private endpoint`,
  ],
  [
    /^403$/,
    (q) =>
      `Allow the caller to ${rightOf(q)} ${q.collection} of vault ${q.vault.name}, by access policy or by the role ${roles[q.collection]}`,
  ],
  [/^401$/, (q) => `The vault does not accept the token: check that tenantID is the tenant of vault ${q.vault.name}`],
  [/^404$/, (q) => `Check objectName, objectType and objectVersion, or create it in vault ${q.vault.name}`],
  [/^400$/, () => "Check objectName and objectVersion"],
  [/^429$/, (q) => `Vault ${q.vault.name} limits requests; the next attempt comes by itself`],
  [/^(408|5\d\d)$/, (q) => `Vault ${q.vault.name} is out of order; the next attempt comes by itself`],
];

function remedyFor(question: VaultQuestion, signs: readonly (string | undefined)[]): string {
  for (const sign of signs) {
    const remedy = remedies.find(([pattern]) => sign !== undefined && pattern.test(sign))?.[1];
    if (remedy !== undefined) return remedy(question);
  }
  return "That is no answer of Key Vault: a proxy may stand in between";
}
