import type { AccessToken, TokenCredential } from "@azure/identity";
import { DriverError } from "../../errors.ts";
import type { Identity } from "./identity.ts";
import type { PipelinePolicy } from "./policy.ts";
import type { VaultAddress } from "./vault-address.ts";

/** One identity's token for one vault. */
export interface VaultToken {
  /** For the SDK, when the vault challenges a request. */
  readonly credential: TokenCredential;
  /** Resolves when a token that is good is at hand; rejects with what the token service said. */
  ready(signal: AbortSignal): Promise<void>;
  /** The token, if it is at hand. */
  current(): string | undefined;
}

/**
 * The resource that a vault's tokens are for is known in our clouds, and almost always the vaults' suffix in a cloud of a
 * file: the token is fetched before the vault is asked, and no challenge is needed. Where the token service refuses that
 * guess, the resource is learned from the vault's first challenge, verified by the SDK.
 */
export function createVaultToken({ url }: VaultAddress, { cloud }: Identity, credential: TokenCredential): VaultToken {
  let scope = `https://${new URL(url).host.replace(/^[^.]+\./, "")}/.default`;
  let isGuess = cloud.custom;
  let token: AccessToken | undefined;

  async function fetch(...[scopes, options]: Parameters<TokenCredential["getToken"]>): Promise<AccessToken | null> {
    const found = await credential.getToken(scopes, options);
    [scope, isGuess] = [[scopes].flat().join(" "), false];
    token = found ?? undefined;
    return found;
  }

  return {
    credential: { getToken: fetch },
    ready: async (abortSignal) => {
      try {
        await fetch(scope, { abortSignal });
      } catch (error) {
        // Guessed again the next time: a token service that hangs by then must not be met at the vault.
        if (!isGuess || !isRefusal(error)) throw error;
      }
    },
    current: () => token?.token,
  };
}

/** Not an outage: asked for the right resource the token service may say yes. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof DriverError && !["ProviderUnavailable", "Throttled", "DeadlineExceeded"].includes(error.reason)
  );
}

/** Sends the token along with a request that has none yet; the SDK answers a challenge that comes all the same. */
export function bearer(token: Pick<VaultToken, "current">): PipelinePolicy {
  return {
    name: "bearerAtHand",
    async sendRequest(request, next) {
      const value = token.current();
      if (value !== undefined && !request.headers.has("Authorization"))
        request.headers.set("Authorization", `Bearer ${value}`);
      return next(request);
    },
  };
}
