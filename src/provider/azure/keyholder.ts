import type { Clock } from "../../ports.ts";
import { createKept } from "../../sharing/kept.ts";
import { createAssertions } from "./assertions.ts";
import { createCredential, type CredentialMeans } from "./credential.ts";
import type { Identity } from "./identity.ts";
import type { VaultAddress } from "./vault-address.ts";
import { createVaultClient } from "./vault-client.ts";
import { VaultRefusal } from "./vault-refusal.ts";
import { createVaultToken, type VaultToken } from "./vault-token.ts";
import type { Vault } from "./vault.ts";

/** A refusal may be the fault of a token that was issued before a right was given; this often it is asked for anew. */
const RENEWAL_PERIOD_MS = 60_000;
/** Clients that nobody used for so long are dropped. */
export const UNUSED_MS = 10 * 60_000;
/** Vaults of one identity; pods name them. */
const MOST_VAULTS = 100;

/** One identity: its credential, and a client for each vault that it reads. */
export interface Keyholder {
  /** A pod of this identity asks: what it proves itself by may be of use to all. */
  admit(identity: Identity): void;
  /** Resolves when a token for the vault is at hand, as far as one can be had without asking the vault. */
  ready(address: VaultAddress, signal: AbortSignal): Promise<void>;
  /**
   * Asks a vault. If it refuses the identity (401, 403), the token is dropped and the question asked once more with a new
   * one, at most once a minute.
   */
  ask<T>(address: VaultAddress, question: (vault: Vault) => Promise<T>): Promise<T>;
}

export interface KeyholderOptions extends Omit<CredentialMeans, "assertions"> {
  readonly clock: Clock;
}

interface Client {
  readonly token: VaultToken;
  readonly vault: Vault;
}

/** Throws InvalidRequest for a tenant or an authority that cannot be asked; asks nobody yet. */
export function createKeyholder(identity: Identity, { clock, ...options }: KeyholderOptions): Keyholder {
  const assertions = createAssertions(clock);
  const means: CredentialMeans = { ...options, assertions };
  let credential = createCredential(identity, means);
  let clients = createClients();
  let renewedAt = -Infinity;

  function clientOf(address: VaultAddress): Client {
    return clients.take(address.url, () => {
      const token = createVaultToken(address, identity, credential);
      return { token, vault: createVaultClient(address, token, means.transport) };
    });
  }

  /** Clients keep the token as well. */
  function renew(): boolean {
    const now = clock().getTime();
    if (Math.abs(now - renewedAt) < RENEWAL_PERIOD_MS) return false;
    renewedAt = now;
    credential = createCredential(identity, means);
    clients = createClients();
    return true;
  }

  return {
    admit: (other) => {
      if ("token" in other) assertions.add(other.token);
    },
    ready: (address, signal) => clientOf(address).token.ready(signal),
    ask: async (address, question) => {
      const before = clients;
      try {
        return await question(clientOf(address).vault);
      } catch (error) {
        if (!isDenied(error)) throw error;
        // Others were refused at the same time, and the first of them has renewed the token already.
        if (clients === before && !renew()) throw error;
        return question(clientOf(address).vault);
      }
    },
  };
}

function createClients() {
  return createKept<Client>({ unusedMs: UNUSED_MS, most: MOST_VAULTS });
}

function isDenied(error: unknown): boolean {
  return error instanceof VaultRefusal && (error.status === 401 || error.status === 403);
}
