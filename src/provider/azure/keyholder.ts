import { randomUUID } from "node:crypto";
import { createKept, type Kept } from "../../sharing/kept.ts";
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
/** Tokens and clients that nobody used for so long are dropped. */
export const UNUSED_MS = 10 * 60_000;
/** Vaults of one identity; pods name them. */
const MOST_VAULTS = 20;
/** Of the SDK: some 40 KiB each. */
const MOST_CLIENTS = 200;

/** One identity: its credential, and a token for each vault that it reads. */
export interface Keyholder {
  /** A pod of this identity asks: what it proves itself by may be of use to all. */
  admit(identity: Identity): void;
  /**
   * Asks a vault: the token first, as far as one can be had without asking the vault, then the question, within a place at
   * the vault. If the vault refuses the identity (401, 403), the place is given back, the token renewed, at most once a
   * minute, and the question asked once more.
   */
  ask<T>(visit: Visit<T>, signal: AbortSignal): Promise<T>;
}

/** What is asked of which vault. */
export interface Visit<T> {
  readonly address: VaultAddress;
  question(vault: Vault): Promise<T>;
  /** Runs the question when its turn has come. */
  within(turn: () => Promise<T>): Promise<T>;
}

export interface KeyholderOptions extends Omit<CredentialMeans, "assertions"> {
  /** The clients of all identities: they are heavy, and so there is one bound for all. */
  readonly clients: Kept<Vault>;
}

interface Entry {
  readonly token: VaultToken;
  /** Of its client. */
  readonly key: string;
}

/** The keyholder of an identity. Throws InvalidRequest for a tenant or an authority that cannot be asked; asks nobody yet. */
export type HolderOf = (identity: Identity) => Keyholder;

/** Keyholders that speak with token services and vaults on the network. */
export function createKeyholders(options: Omit<KeyholderOptions, "clients">): HolderOf {
  const clients = createKept<Vault>({ unusedMs: UNUSED_MS, most: MOST_CLIENTS });
  return (identity) => createKeyholder(identity, { ...options, clients });
}

/** As `HolderOf`. */
export function createKeyholder(identity: Identity, { clients, ...options }: KeyholderOptions): Keyholder {
  const { clock, elapsed, transport } = options;
  const assertions = createAssertions(clock);
  const means: CredentialMeans = { ...options, assertions };
  let credential = createCredential(identity, means);
  let entries = createEntries();
  let renewedAt = -Infinity;

  function entryOf(address: VaultAddress): Entry {
    return entries.take(address.url, () => ({
      token: createVaultToken(address, identity, credential),
      key: randomUUID(),
    }));
  }

  /** With the entries go the clients, which keep the token as well. */
  function renew(): boolean {
    const now = elapsed();
    if (now - renewedAt < RENEWAL_PERIOD_MS) return false;
    renewedAt = now;
    credential = createCredential(identity, means);
    entries = createEntries();
    return true;
  }

  async function visit<T>({ address, question, within }: Visit<T>, signal: AbortSignal): Promise<T> {
    await entryOf(address).token.ready(signal);
    return within(() => {
      const { token, key } = entryOf(address);
      return question(clients.take(key, () => createVaultClient(address, token, transport)));
    });
  }

  return {
    admit: (other) => {
      if ("token" in other) assertions.add(other.token);
    },
    ask: async (asked, signal) => {
      const before = entries;
      try {
        return await visit(asked, signal);
      } catch (error) {
        if (!isDenied(error)) throw error;
        // Others were refused at the same time, and the first of them has renewed the token already.
        if (entries === before && !renew()) throw error;
        await entryOf(asked.address)
          .token.ready(signal)
          .catch(() => {
            // What the vault said is what there is to tell.
            throw error;
          });
        return await visit(asked, signal);
      }
    },
  };
}

function createEntries(): Kept<Entry> {
  return createKept({ unusedMs: UNUSED_MS, most: MOST_VAULTS });
}

function isDenied(error: unknown): boolean {
  return error instanceof VaultRefusal && (error.status === 401 || error.status === 403);
}
