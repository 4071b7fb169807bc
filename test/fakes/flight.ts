import type { DriverError } from "../../src/errors.ts";
import type { Freshness } from "../../src/ports.ts";
import { createShared, type Flight } from "../../src/sharing/shared.ts";

/** A flight whose waiters the test plays. */
export interface FakeFlight extends Flight {
  /** The last waiter leaves. */
  abort(): void;
  /** A mount joins. */
  raise(): void;
  /** When the request left. */
  readonly departures: readonly number[];
  readonly holds: readonly { readonly until: Date; readonly why: DriverError }[];
}

export function createFakeFlight(priority: Freshness["priority"] = "mount"): FakeFlight {
  const controller = new AbortController();
  const listeners: (() => void)[] = [];
  const departures: number[] = [];
  const holds: { readonly until: Date; readonly why: DriverError }[] = [];
  let current = priority;
  return {
    signal: controller.signal,
    priority: () => current,
    onRaised: (listener) => void listeners.push(listener),
    leaves: () => void departures.push(Date.now()),
    held: (until, why) => void holds.push({ until, why }),
    abort: () => {
      controller.abort();
    },
    raise: () => {
      current = "mount";
      for (const listener of listeners) listener();
    },
    departures,
    holds,
  };
}

/** Lets everything happen that does not wait for time. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
}

/** A request that the test answers. */
export interface Sending {
  readonly key: string;
  readonly flight: Flight;
  readonly reply: PromiseWithResolvers<string>;
}

/** A Shared whose requests the test answers. */
export function openShared(): { ask: Ask; sent: readonly Sending[] } {
  const shared = createShared<string>(() => new Date());
  const sent: Sending[] = [];
  const ask: Ask = ({
    key = "key",
    oldMs = 0,
    staysMs,
    priority = "mount",
    signal = new AbortController().signal,
  } = {}) => {
    const notOlderThan = new Date(Date.now() - oldMs);
    const deadline = staysMs === undefined ? undefined : new Date(Date.now() + staysMs);
    const answer = shared.ask(key, { notOlderThan, priority, deadline }, signal, (flight) => {
      const reply = Promise.withResolvers<string>();
      sent.push({ key, flight, reply });
      return reply.promise;
    });
    answer.catch(() => undefined);
    return answer;
  };
  return { ask, sent };
}

export type Ask = (options?: {
  readonly key?: string;
  readonly oldMs?: number;
  readonly staysMs?: number;
  readonly priority?: Freshness["priority"];
  readonly signal?: AbortSignal;
}) => Promise<string>;

/** Whether a promise is still open. */
export async function isOpen(promise: Promise<unknown>): Promise<boolean> {
  let open = true;
  const close = (): void => {
    open = false;
  };
  promise.then(close, close);
  await settle();
  return open;
}
