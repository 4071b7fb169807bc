import { DriverError } from "../errors.ts";
import type { Clock, Freshness } from "../ports.ts";

/** A request on its way, as the one who makes it sees it. */
export interface Flight {
  /** Fires when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  readonly priority: () => Freshness["priority"];
  /** Calls back when somebody more urgent joins. */
  onRaised(listener: () => void): void;
  /** The request leaves now, for the first time or again: the answer is as old as that. */
  leaves(): void;
  /**
   * It will not leave before `until`; who needs the answer earlier is told `why` at once, and who needed it before it came
   * after all, at his deadline.
   */
  held(until: Date, why: DriverError): void;
}

/** Answers of one kind, each asked for once however many want it at the same time. */
export interface Shared<T> {
  /**
   * An answer that is fresh enough: one that has just arrived, one on its way, or else what `send` brings. It rejects with
   * what `send` throws, or with DeadlineExceeded when the signal fires; then the others wait on.
   */
  ask(key: string, freshness: Freshness, signal: AbortSignal, send: (flight: Flight) => Promise<T>): Promise<T>;
}

/** Secret values do not stay in memory: an answer is gone this long after it arrived (design section 5). */
export const KEPT_MS = 2_000;

interface Waiter<T> {
  readonly deadline: Date | undefined;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

interface Entry<T> {
  readonly waiters: Set<Waiter<T>>;
  readonly nobodyWaits: AbortController;
  readonly raised: (() => void)[];
  priority: Freshness["priority"];
  /** Unknown while the request has not left. */
  leftAt: Date | undefined;
  hold: { readonly until: Date; readonly why: DriverError } | undefined;
  /** Why it was held last; kept when it leaves again. */
  delay: DriverError | undefined;
  answer: { readonly value: T } | undefined;
}

export function createShared<T>(clock: Clock): Shared<T> {
  const entries = new Map<string, Entry<T>>();

  function start(key: string, priority: Freshness["priority"], send: (flight: Flight) => Promise<T>): Entry<T> {
    const entry: Entry<T> = {
      waiters: new Set(),
      nobodyWaits: new AbortController(),
      raised: [],
      priority,
      leftAt: undefined,
      hold: undefined,
      delay: undefined,
      answer: undefined,
    };
    entries.set(key, entry);
    const drop = (): void => {
      entry.answer = undefined;
      if (entries.get(key) === entry) entries.delete(key);
    };
    entry.nobodyWaits.signal.addEventListener("abort", drop);
    void arrive(entry, send(flightOf(entry, clock)), drop);
    return entry;
  }

  return {
    ask: (key, freshness, signal, send) => {
      if (signal.aborted) return Promise.reject(gaveUp());
      const found = entries.get(key);
      const entry = found !== undefined && suits(found, freshness) ? found : start(key, freshness.priority, send);
      if (entry.answer !== undefined) return Promise.resolve(entry.answer.value);
      return join(entry, freshness, signal, clock);
    },
  };
}

/** A request that has not left yet is fresh enough for everybody: it leaves later than now. */
function suits<T>({ leftAt }: Entry<T>, { notOlderThan }: Freshness): boolean {
  return leftAt === undefined || leftAt >= notOlderThan;
}

function flightOf<T>(entry: Entry<T>, clock: Clock): Flight {
  return {
    signal: entry.nobodyWaits.signal,
    priority: () => entry.priority,
    onRaised: (listener) => void entry.raised.push(listener),
    leaves: () => {
      entry.leftAt = clock();
      entry.hold = undefined;
    },
    held: (until, why) => {
      entry.leftAt = undefined;
      entry.hold = { until, why };
      entry.delay = why;
      for (const waiter of [...entry.waiters]) if (comesTooLate(entry, waiter.deadline)) waiter.reject(why);
    },
  };
}

async function arrive<T>(entry: Entry<T>, answer: Promise<T>, drop: () => void): Promise<void> {
  try {
    const value = await answer;
    entry.answer = { value };
    setTimeout(drop, KEPT_MS).unref();
    for (const waiter of [...entry.waiters]) waiter.resolve(value);
  } catch (error) {
    drop();
    for (const waiter of [...entry.waiters]) waiter.reject(error);
  }
}

function join<T>(entry: Entry<T>, freshness: Freshness, signal: AbortSignal, clock: Clock): Promise<T> {
  const { priority, deadline } = freshness;
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const leave = (): void => {
    waiter.reject(gaveUp());
  };
  const atDeadline = deadline && setTimeout(tellDelay, msUntil(deadline, clock));
  function tellDelay(): void {
    if (entry.delay !== undefined) waiter.reject(entry.delay);
  }
  const done = (): void => {
    clearTimeout(atDeadline);
    signal.removeEventListener("abort", leave);
    entry.waiters.delete(waiter);
    if (entry.waiters.size === 0 && entry.answer === undefined) entry.nobodyWaits.abort();
  };
  const waiter: Waiter<T> = {
    deadline,
    resolve: (value) => {
      done();
      resolve(value);
    },
    reject: (error) => {
      done();
      reject(error);
    },
  };
  entry.waiters.add(waiter);
  signal.addEventListener("abort", leave);
  if (entry.hold !== undefined && comesTooLate(entry, deadline)) waiter.reject(entry.hold.why);
  else raise(entry, priority);
  return promise;
}

/** As long as a timer can be set at most. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

function msUntil(deadline: Date, clock: Clock): number {
  return Math.min(deadline.getTime() - clock().getTime(), LONGEST_TIMER_MS);
}

function comesTooLate<T>({ hold }: Entry<T>, deadline: Date | undefined): boolean {
  return hold !== undefined && deadline !== undefined && deadline <= hold.until;
}

function raise<T>(entry: Entry<T>, priority: Freshness["priority"]): void {
  if (entry.priority === "mount" || priority === "rotation") return;
  entry.priority = "mount";
  for (const listener of entry.raised) listener();
}

function gaveUp(): DriverError {
  return new DriverError("DeadlineExceeded", "the caller's deadline ended");
}
