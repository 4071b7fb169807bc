import { createLocalJWKSet } from "jose";
import type { JSONWebKeySet } from "jose";

/** An application registered in a tenant, with its service principal; proves itself with its secret or a federated credential. */
export interface AppRegistration {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret?: string;
  /** Object id of the service principal: what access policies name. */
  readonly objectId: string;
}

/** Whose tokens prove an application. */
export interface FederatedCredential {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
}

/** A tenant; requests may name it by its id or by its domain. */
export interface Tenant {
  readonly id: string;
  readonly domain?: string;
}

/** The keys of an issuer, as jose looks them up. */
export type IssuerKeys = ReturnType<typeof createLocalJWKSet>;

/** Who exists: tenants, applications, and the issuers whose tokens can prove them. */
export interface Directory {
  addTenant(tenant: Tenant): void;
  /** Registers an application; one of the same tenant and client id is replaced (a new client secret, say). */
  register(app: AppRegistration): void;
  /** Replaces the keys with which an issuer's tokens are verified; throws for what is no JWKS. */
  trustIssuer(issuer: string, jwks: JSONWebKeySet): void;
  /** Gives a registered application a credential; one of the same issuer and subject is replaced, as they are unique. */
  federate(credential: FederatedCredential & Pick<AppRegistration, "tenantId" | "clientId">): void;
  tenant(idOrDomain: string): Tenant | undefined;
  app(tenantId: string, clientId: string): AppRegistration | undefined;
  credentials(app: AppRegistration): readonly FederatedCredential[];
  keysOf(issuer: string): IssuerKeys | undefined;
}

/** An empty directory. */
export function createDirectory(): Directory {
  const tenants = new Map<string, Tenant>();
  const apps = new Map<string, AppRegistration>();
  const credentials = new Map<string, readonly FederatedCredential[]>();
  const issuers = new Map<string, IssuerKeys>();

  function addTenant(tenant: Tenant): void {
    for (const name of [tenant.id, tenant.domain]) if (name !== undefined) tenants.set(name.toLowerCase(), tenant);
  }

  return {
    addTenant,
    register(app) {
      if (!tenants.has(app.tenantId.toLowerCase())) addTenant({ id: app.tenantId });
      apps.set(appKey(app.tenantId, app.clientId), app);
    },
    trustIssuer: (issuer, jwks) => void issuers.set(issuer, createLocalJWKSet(jwks)),
    federate({ tenantId, clientId, ...credential }) {
      const key = appKey(tenantId, clientId);
      if (!apps.has(key)) throw new Error(`no application ${clientId} is registered in the tenant ${tenantId}`);
      const others = (credentials.get(key) ?? []).filter((other) => !isReplacedBy(other, credential));
      credentials.set(key, [...others, credential]);
    },
    tenant: (idOrDomain) => tenants.get(idOrDomain.toLowerCase()),
    app: (tenantId, clientId) => apps.get(appKey(tenantId, clientId)),
    credentials: ({ tenantId, clientId }) => credentials.get(appKey(tenantId, clientId)) ?? [],
    keysOf: (issuer) => issuers.get(issuer),
  };
}

function isReplacedBy(old: FederatedCredential, { issuer, subject }: FederatedCredential): boolean {
  return old.issuer === issuer && old.subject === subject;
}

function appKey(tenantId: string, clientId: string): string {
  return `${tenantId}/${clientId}`.toLowerCase();
}
