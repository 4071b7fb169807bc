import { DriverError } from "../../errors.ts";
import type { Flight } from "../../sharing/shared.ts";
import type { VaultLoad } from "../../ports.ts";
import { createPlaces } from "./places.ts";
import { createThrottle, type Pause, type ThrottleOptions } from "./throttle.ts";
import { VaultRefusal } from "./vault-refusal.ts";

/** More than these do not wait for one vault; a volume has at most 500 objects. */
const MOST_WAITING = 10_000;

/** One vault's share of this node's requests. */
export interface Budget {
  /**
   * Sends when there is a place. A request that the vault throttles is kept, and sent again when the vault takes requests
   * again. Rejects with what `send` throws, or at once as Throttled when too many wait.
   */
  run<T>(flight: Flight, identity: string, send: () => Promise<T>): Promise<T>;
  /** Whether somebody waits or is under way. */
  isBusy(): boolean;
  load(): Omit<VaultLoad, "source">;
}

export interface BudgetOptions extends ThrottleOptions {
  readonly vaultName: string;
}

export function createBudget({ vaultName, ...options }: BudgetOptions): Budget {
  const places = createPlaces();
  const throttle = createThrottle(places, options);
  const waiting = new Set<Flight>();
  let underWay = 0;

  /** Undefined when the vault throttled it. */
  async function attempt<T>(flight: Flight, send: () => Promise<T>, epoch: number): Promise<Taken<T> | undefined> {
    waiting.delete(flight);
    flight.leaves();
    const outcome = await judge(send);
    if (outcome.answered) throttle.answered(epoch);
    if ("throttled" in outcome) {
      waiting.add(flight);
      throttle.refused(outcome.throttled.retryAfterMs);
      hold(waiting, throttle.pause(), vaultName);
      return undefined;
    }
    if ("error" in outcome) throw outcome.error;
    return outcome;
  }

  async function untilTaken<T>(flight: Flight, identity: string, send: () => Promise<T>): Promise<T> {
    for (;;) {
      const taken = await places.take(flight, identity, (epoch) => attempt(flight, send, epoch));
      if (taken !== undefined) return taken.value;
    }
  }

  return {
    run: async (flight, identity, send) => {
      if (waiting.size >= MOST_WAITING)
        throw throttled(`vault ${vaultName} is slow: ${MOST_WAITING} requests of this node wait for it already`);
      waiting.add(flight);
      underWay += 1;
      hold([flight], throttle.pause(), vaultName);
      try {
        return await untilTaken(flight, identity, send);
      } finally {
        waiting.delete(flight);
        underWay -= 1;
      }
    },
    isBusy: () => underWay > 0,
    load: () => ({ vault: vaultName, waiting: waiting.size, pausedMs: throttle.pausedMs() }),
  };
}

interface Taken<T> {
  readonly answered: true;
  readonly value: T;
}
interface Failed {
  /** A failure that is no answer of the vault says nothing about whether it takes requests. */
  readonly answered: boolean;
  readonly error: unknown;
}
interface Refused {
  readonly answered: false;
  readonly throttled: VaultRefusal;
}

async function judge<T>(send: () => Promise<T>): Promise<Taken<T> | Failed | Refused> {
  try {
    return { answered: true, value: await send() };
  } catch (error) {
    if (!(error instanceof VaultRefusal)) return { answered: false, error };
    return error.status === 429 ? { answered: false, throttled: error } : { answered: true, error };
  }
}

/** Who cannot wait until the vault takes requests again is told now. */
function hold(flights: Iterable<Flight>, pause: Pause | undefined, vaultName: string): void {
  if (pause === undefined) return;
  const why = throttled(`vault ${vaultName} limits requests, and this node pauses ${lengthOf(pause)}`);
  for (const flight of [...flights]) flight.held(pause.until, why);
}

/** Not what is left of it: the same fault gives the same words, so that events are counted and not multiplied. */
function lengthOf({ askedMs }: Pause): string {
  return askedMs === undefined ? "for a while" : `for ${Math.ceil(askedMs / 1000)} s`;
}

function throttled(message: string): DriverError {
  return new DriverError("Throttled", `throttled: ${message}; the next attempt comes by itself`);
}
