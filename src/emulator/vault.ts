import { issuerOf } from "./entra/access-token.ts";
import { createFront } from "./front.ts";
import type { Front, Steering } from "./front.ts";
import type { Handler } from "./listener.ts";
import type { Network } from "./network.ts";
import type { SigningKey } from "./signing-key.ts";
import { createAccessPolicies, identify } from "./vault/access.ts";
import type { AccessPolicies } from "./vault/access.ts";
import { answer, createVaultApi } from "./vault/api.ts";
import { createVaultObjects } from "./vault/objects.ts";
import type { VaultObjects } from "./vault/objects.ts";
import { vaultRefusals } from "./vault/refusals.ts";

/** One vault: its objects, who may read them, what it was asked, how it misbehaves. */
export interface Vault extends VaultObjects, Steering, Pick<AccessPolicies, "allow"> {
  readonly name: string;
}

/** All vaults; they share one listener and are told apart by host name. */
export interface Vaults {
  readonly handler: Handler;
  /** Makes an empty vault that belongs to a tenant. */
  create(name: string, tenantId: string): Vault;
  /** Throws for a name that was not created. */
  named(name: string): Vault;
  all(): readonly Vault[];
}

/** Whose tokens are taken, and where callers without one are sent. */
export interface VaultsOptions {
  readonly entraKey: SigningKey;
  /** The token service of a vault's cloud, without a slash at the end. */
  readonly authorityOf: (vaultHost: string) => string;
  readonly network: Network;
}

interface Installed {
  readonly vault: Vault;
  readonly tenantId: string;
  readonly policies: AccessPolicies;
  readonly front: Front;
}

/** No vaults yet. */
export function createVaults(options: VaultsOptions): Vaults {
  const installed = new Map<string, Installed>();
  const api = createVaultApi();

  async function serve(request: Request, { vault, policies, tenantId }: Installed): Promise<Response> {
    const { origin, host } = new URL(request.url);
    const audience = `https://${host.slice(host.indexOf(".") + 1)}`;
    const authority = options.authorityOf(host);
    const expected = { audience, issuer: issuerOf(tenantId, authority) };
    const caller = await identify(request.headers.get("authorization"), options.entraKey, expected);
    if ("status" in caller) {
      const challenge = `Bearer authorization="${authority}/${tenantId}", resource="${audience}"`;
      return answer(caller, { "www-authenticate": challenge });
    }
    return api.fetch(request, { name: vault.name, base: origin, objects: vault, policies, caller });
  }

  return {
    handler(request, connection) {
      const { host, hostname } = new URL(request.url);
      const found = installed.get(hostname.split(".")[0] ?? "");
      if (found === undefined) return answer(vaultRefusals.unknownVault(host));
      return found.front.receive(request, connection, () => serve(request, found));
    },
    create(name, tenantId) {
      const policies = createAccessPolicies();
      const front = createFront({ network: options.network, refuse, isChallenge });
      const vault: Vault = { ...createVaultObjects(), ...front.steering, allow: policies.allow, name };
      installed.set(name, { vault, tenantId, policies, front });
      return vault;
    },
    named(name) {
      const found = installed.get(name);
      if (found === undefined)
        throw new Error(`The emulator has no vault "${name}"; it has ${[...installed.keys()].join(", ")}.`);
      return found.vault;
    },
    all: () => [...installed.values()].map(({ vault }) => vault),
  };
}

function isChallenge(request: Request, { status }: Response): boolean {
  return status === 401 && !request.headers.has("authorization");
}

function refuse(status: number): Response {
  return answer(status === 429 ? vaultRefusals.throttled() : vaultRefusals.failed(status));
}
