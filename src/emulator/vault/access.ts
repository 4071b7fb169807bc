import { errors } from "jose";
import type { JWTPayload } from "jose";
import type { SigningKey } from "../signing-key.ts";
import type { Kind } from "./objects.ts";
import { vaultRefusals } from "./refusals.ts";
import type { VaultRefusal } from "./refusals.ts";

/** What an access policy can allow. */
export type Right = "get" | "list" | "set" | "create" | "import" | "update" | "delete" | "recover" | "purge";

/** Rights of one service principal, by kind of object. */
export type Rights = Readonly<Partial<Record<Kind, readonly Right[]>>>;

const all: readonly Right[] = ["get", "list", "set", "create", "import", "update", "delete", "recover", "purge"];

/** Every right on everything. */
export const allRights: Rights = { secrets: all, keys: all, certificates: all };

/** Reading single objects: what the tutorial gives. */
export const getRights: Rights = { secrets: ["get"], keys: ["get"], certificates: ["get"] };

/** Reading single objects and their versions. */
export const readRights: Rights = { secrets: ["get", "list"], keys: ["get", "list"], certificates: ["get", "list"] };

/** Who may do what in one vault. */
export interface AccessPolicies {
  /** Replaces the rights of a service principal (by object id). */
  allow(objectId: string, rights: Rights): void;
  allows(objectId: string, kind: Kind, right: Right): boolean;
}

/** Nobody may do anything. */
export function createAccessPolicies(): AccessPolicies {
  const rights = new Map<string, Rights>();
  return {
    allow: (objectId, given) => void rights.set(objectId, given),
    allows: (objectId, kind, right) => rights.get(objectId)?.[kind]?.includes(right) ?? false,
  };
}

/** Who calls, as messages name them. */
export interface Caller {
  readonly objectId: string;
  readonly description: string;
}

const kinds: readonly string[] = ["secrets", "keys", "certificates"] satisfies Kind[];

/** Rights from JSON; throws an error that says what is wrong. */
export function parseRights(json: unknown): Rights {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new Error('rights are a JSON object like {"secrets":["get"]}');
  for (const [kind, rights] of Object.entries(json)) {
    if (!kinds.includes(kind)) throw new Error(`${kind} is no kind of object; known are ${kinds.join(", ")}`);
    if (!Array.isArray(rights) || !rights.every((right) => (all as readonly unknown[]).includes(right)))
      throw new Error(`${kind} must be a list of ${all.join(", ")}`);
  }
  return json;
}

/** What a token must say to be taken. */
export interface Expected {
  readonly audience: string;
  readonly issuer: string;
}

/** The caller that a request's Authorization header proves. */
export async function identify(
  authorization: string | null,
  entraKey: SigningKey,
  expected: Expected,
): Promise<Caller | VaultRefusal> {
  const token = /^Bearer (.+)$/i.exec(authorization ?? "")?.[1];
  if (token === undefined) return vaultRefusals.noToken();
  try {
    return judge(await entraKey.verify(token), expected);
  } catch (error) {
    return error instanceof errors.JWTExpired ? vaultRefusals.expiredToken() : vaultRefusals.invalidToken();
  }
}

function judge(claims: JWTPayload, { audience, issuer }: Expected): Caller | VaultRefusal {
  const found = String(claims.aud);
  if (found.replace(/\/$/, "") !== audience) return vaultRefusals.wrongAudience(audience, found);
  if (claims.iss !== issuer) return vaultRefusals.wrongIssuer(issuer, claims.iss ?? "");
  const objectId = String(claims["oid"]);
  return { objectId, description: `appid=${String(claims["appid"])};oid=${objectId};iss=${issuer}` };
}
