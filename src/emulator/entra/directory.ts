/** An application registered in a tenant, with its service principal. */
export interface AppRegistration {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Object id of the service principal: what access policies name. */
  readonly objectId: string;
}

/** A tenant; requests may name it by its id or by its domain. */
export interface Tenant {
  readonly id: string;
  readonly domain?: string;
}

/** Who exists: tenants and applications. */
export interface Directory {
  addTenant(tenant: Tenant): void;
  /** Registers an application; one of the same tenant and client id is replaced (a new client secret, say). */
  register(app: AppRegistration): void;
  tenant(idOrDomain: string): Tenant | undefined;
  app(tenantId: string, clientId: string): AppRegistration | undefined;
}

/** An empty directory. */
export function createDirectory(): Directory {
  const tenants = new Map<string, Tenant>();
  const apps = new Map<string, AppRegistration>();

  function addTenant(tenant: Tenant): void {
    for (const name of [tenant.id, tenant.domain]) if (name !== undefined) tenants.set(name.toLowerCase(), tenant);
  }

  return {
    addTenant,
    register(app) {
      if (!tenants.has(app.tenantId.toLowerCase())) addTenant({ id: app.tenantId });
      apps.set(appKey(app.tenantId, app.clientId), app);
    },
    tenant: (idOrDomain) => tenants.get(idOrDomain.toLowerCase()),
    app: (tenantId, clientId) => apps.get(appKey(tenantId, clientId)),
  };
}

function appKey(tenantId: string, clientId: string): string {
  return `${tenantId}/${clientId}`.toLowerCase();
}
