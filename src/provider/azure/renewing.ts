import type { AccessToken } from "@azure/identity";
import { DriverError } from "../../errors.ts";
import type { Clock, Elapsed } from "../../ports.ts";

/** Renewed this long before it expires, as the SDK does it. */
const RENEWED_BEFORE_MS = 5 * 60_000;
/** While its renewal fails, a token that is still good serves; so often it is tried. */
const TRIED_AGAIN_MS = 30_000;
/** A token service that limits sign-ins is left alone for so long. */
const PAUSE_MS = 10_000;

export interface RenewingTime {
  /** By which tokens expire. */
  readonly clock: Clock;
  readonly elapsed: Elapsed;
}

/**
 * One token, shared by all who want it: fetched when it is first wanted, renewed before it expires. An outage of the token
 * service is nobody's business while the token is good; a refusal is told.
 */
export function createRenewing(
  fetch: () => Promise<AccessToken>,
  { clock, elapsed }: RenewingTime,
): () => Promise<AccessToken> {
  let token: AccessToken | undefined;
  let arriving: Promise<AccessToken> | undefined;
  let quiet: { readonly until: number; readonly failure: DriverError } | undefined;

  const lasts = (ms: number): AccessToken | undefined =>
    token !== undefined && token.expiresOnTimestamp - ms > clock().getTime() ? token : undefined;

  async function renew(): Promise<AccessToken> {
    try {
      token = await fetch();
      return token;
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      const good = isOutage(error) ? lasts(0) : undefined;
      const pauseMs = good === undefined ? 0 : TRIED_AGAIN_MS;
      const until = elapsed() + Math.max(pauseMs, error.reason === "Throttled" ? PAUSE_MS : 0);
      quiet = { until, failure: error };
      if (good !== undefined) return good;
      throw error;
    }
  }

  return async () => {
    const fresh = lasts(RENEWED_BEFORE_MS);
    if (fresh !== undefined) return fresh;
    if (quiet !== undefined && elapsed() < quiet.until) {
      const good = lasts(0);
      if (good !== undefined) return good;
      if (quiet.failure.reason === "Throttled") throw quiet.failure;
    }
    arriving ??= renew().finally(() => {
      arriving = undefined;
    });
    return arriving;
  };
}

/** The token service did not say no. */
function isOutage({ reason }: DriverError): boolean {
  return reason === "ProviderUnavailable" || reason === "Throttled";
}
