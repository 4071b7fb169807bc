import type { Clock, Elapsed } from "../../ports.ts";
import type { Places } from "./places.ts";

const SHORTEST_PAUSE_MS = 100;
/** A vault that asks for more is asked again all the same. */
const LONGEST_PAUSE_MS = 5 * 60_000;
const FIRST_BACKOFF_MS = 1_000;

export interface ThrottleOptions {
  readonly clock: Clock;
  readonly elapsed: Elapsed;
  /** From 0 to 1, for the jitter of a backoff. */
  readonly random: () => number;
}

export interface Pause {
  readonly until: Date;
  /** How long it is in all, if the vault said so; what we chose ourselves is nobody's business. */
  readonly askedMs: number | undefined;
}

/** Whether a vault takes requests. */
export interface Throttle {
  pause(): Pause | undefined;
  /** How long the vault has been closed in all, until now. */
  pausedMs(): number;
  /** The vault answered a request that left in that epoch, and did not throttle it. */
  answered(epoch: number): void;
  /** The vault throttled a request: nothing leaves until the pause is over. */
  refused(retryAfterMs: number | undefined): void;
}

/**
 * A refusal closes the vault for as long as it says, else for a growing random time (full jitter). Then one request goes
 * first, and the rest follow when it was not throttled.
 */
export function createThrottle(
  gate: Pick<Places, "set" | "epoch">,
  { clock, elapsed, random }: ThrottleOptions,
): Throttle {
  let pause: Pause | undefined;
  /** Since the vault last took a request. */
  let pauses = 0;
  let endedMs = 0;
  let closedAt = 0;
  /** By `elapsed`, of the pause that is. */
  let endsAt = 0;

  function backoff(): number {
    return Math.max(random() * Math.min(FIRST_BACKOFF_MS * 2 ** pauses, LONGEST_PAUSE_MS), SHORTEST_PAUSE_MS);
  }

  /** "At once", said again and again, is no help. */
  function lengthOf(asked: number | undefined): number {
    if (asked === undefined) return backoff();
    const isAgain = pause === undefined && pauses > 0;
    const least = asked < FIRST_BACKOFF_MS && isAgain ? backoff() : SHORTEST_PAUSE_MS;
    return Math.min(Math.max(asked, least), LONGEST_PAUSE_MS);
  }

  function close(next: Pause, length: number): void {
    if (pause === undefined) closedAt = elapsed();
    endsAt = elapsed() + length;
    pause = next;
    gate.set("closed");
    setTimeout(() => {
      if (pause !== next) return;
      pause = undefined;
      endedMs += elapsed() - closedAt;
      gate.set("probing");
    }, length).unref();
  }

  return {
    pause: () => pause,
    pausedMs: () => endedMs + (pause === undefined ? 0 : elapsed() - closedAt),
    answered: (epoch) => {
      if (epoch !== gate.epoch() || pause !== undefined) return;
      pauses = 0;
      gate.set("open");
    },
    refused: (retryAfterMs) => {
      // Of all who are refused at the same time the first begins the pause; the others can only make it longer.
      if (pause !== undefined && retryAfterMs === undefined) return;
      const length = lengthOf(retryAfterMs);
      if (pause !== undefined && elapsed() + length <= endsAt) return;
      if (pause === undefined) pauses += 1;
      const isAsked = retryAfterMs !== undefined && length <= Math.max(retryAfterMs, SHORTEST_PAUSE_MS);
      const until = new Date(clock().getTime() + length);
      close({ until, askedMs: isAsked ? length : undefined }, length);
    },
  };
}
