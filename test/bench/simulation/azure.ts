import { DriverError } from "../../../src/errors.ts";
import type { HolderOf } from "../../../src/provider/azure/keyholder.ts";
import type { Vault } from "../../../src/provider/azure/vault.ts";
import { VaultRefusal } from "../../../src/provider/azure/vault-refusal.ts";

const WINDOW_MS = 10_000;
/** As long as a client secret's token is good for, less what the SDK renews it ahead. */
const TOKEN_LASTS_MS = 55 * 60_000;

/** What all nodes together ask of Azure. */
export interface PlayedAzure {
  readonly holderOf: HolderOf;
  readonly counts: AzureCounts;
}

export interface AzureCounts {
  vaultRequests: number;
  refused: number;
  tokenRequests: number;
  /** The most that one vault was asked for within 10 s. */
  peak: number;
}

interface Window {
  from: number;
  requests: number;
}

/** Vaults that answer after a round trip, and refuse what is beyond their limit for 10 s. */
export function playAzure({ limit, rttMs }: { readonly limit: number; readonly rttMs: number }): PlayedAzure {
  const windows = new Map<string, Window>();
  const counts: AzureCounts = { vaultRequests: 0, refused: 0, tokenRequests: 0, peak: 0 };

  /** Whether the vault serves one more request. */
  function admit(url: string): boolean {
    const from = Math.floor(Date.now() / WINDOW_MS) * WINDOW_MS;
    const last = windows.get(url);
    const window = last?.from === from ? last : { from, requests: 0 };
    windows.set(url, window);
    window.requests += 1;
    counts.vaultRequests += 1;
    counts.peak = Math.max(counts.peak, window.requests);
    return window.requests <= limit;
  }

  function vaultAt(url: string): Vault {
    return {
      secret: async (name) => {
        const admitted = admit(url);
        await roundTrip(rttMs);
        if (admitted) return { id: `${url}secrets/${name}/1`, value: name };
        counts.refused += 1;
        throw new VaultRefusal("GET: RESPONSE 429", 429, undefined);
      },
      key: nobodyAsks,
      certificate: nobodyAsks,
      versions: nobodyAsks,
    };
  }

  return {
    counts,
    holderOf: () => {
      const tokens = new Map<string, { readonly at: number; readonly arrives: Promise<void> }>();
      const tokenFor = (url: string): Promise<void> => {
        const known = tokens.get(url);
        if (known !== undefined && Date.now() - known.at < TOKEN_LASTS_MS) return known.arrives;
        counts.tokenRequests += 1;
        const arrives = roundTrip(rttMs);
        tokens.set(url, { at: Date.now(), arrives });
        return arrives;
      };
      return {
        admit: () => undefined,
        ask: async ({ address, within, question }) => {
          await tokenFor(address.url);
          return within(() => question(vaultAt(address.url)));
        },
      };
    },
  };
}

function roundTrip(rttMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, rttMs));
}

function nobodyAsks(): never {
  throw new DriverError("ProviderError", "the played classes hold secrets only");
}
