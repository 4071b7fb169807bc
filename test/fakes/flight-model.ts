import fc from "fast-check";
import { expect, vi } from "vitest";
import { DriverError } from "../../src/errors.ts";
import type { Freshness } from "../../src/ports.ts";
import { createShared, type Flight } from "../../src/sharing/shared.ts";
import { settle } from "./flight.ts";

/** One thing that happens; `nth` chooses among those to whom it can happen. */
export type Step =
  | {
      readonly happens: "ask";
      readonly key: string;
      readonly oldMs: number;
      readonly priority: Freshness["priority"];
      /** How long the caller will stay, if he says so. */
      readonly staysMs: number | undefined;
    }
  | { readonly happens: "give up"; readonly nth: number }
  | { readonly happens: "leave"; readonly nth: number }
  | { readonly happens: "hold"; readonly nth: number; readonly ms: number }
  | { readonly happens: "answer" | "fail"; readonly nth: number }
  | { readonly happens: "rest" }
  | { readonly happens: "pass"; readonly ms: number };

const nth = fc.nat(20);
export const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        happens: fc.constant("ask" as const),
        key: fc.constantFrom("a", "a", "a", "b", "c"),
        oldMs: fc.constantFrom(0, 2_000),
        priority: fc.constantFrom("mount" as const, "rotation" as const),
        staysMs: fc.constantFrom(undefined, undefined, 400, 1_000, 5_000),
      }),
    },
    { weight: 3, arbitrary: fc.record({ happens: fc.constant("give up" as const), nth }) },
    { weight: 4, arbitrary: fc.record({ happens: fc.constant("leave" as const), nth }) },
    {
      weight: 2,
      arbitrary: fc.record({ happens: fc.constant("hold" as const), nth, ms: fc.constantFrom(300, 1_000, 4_000) }),
    },
    { weight: 3, arbitrary: fc.record({ happens: fc.constantFrom("answer" as const, "fail" as const), nth }) },
    { weight: 4, arbitrary: fc.record({ happens: fc.constant("rest" as const) }) },
    {
      weight: 3,
      arbitrary: fc.record({ happens: fc.constant("pass" as const), ms: fc.constantFrom(1, 700, 1_999, 2_000) }),
    },
  ),
  { maxLength: 60 },
);

/** An answer says itself what may be asked of it. */
interface Value {
  readonly key: string;
  readonly leftAt: number;
}

type Outcome = { readonly value: Value } | { readonly error: unknown };

interface Caller {
  readonly key: string;
  readonly freshness: Freshness;
  readonly controller: AbortController;
  /** What he should be told, and what he was told. */
  due: Outcome | undefined;
  told: Outcome | undefined;
}

interface Request {
  readonly key: string;
  readonly flight: Flight;
  readonly reply: PromiseWithResolvers<Value>;
  readonly waiters: Set<Caller>;
  priority: Freshness["priority"];
  leftAt: number;
  hold: { readonly until: number; readonly why: DriverError } | undefined;
  /** Why it was held last; remembered when it leaves. */
  delay: DriverError | undefined;
  /** How it ended; his callers learn it when everything rests. */
  end: Outcome | undefined;
  arrivedAt: number | undefined;
  abandoned: boolean;
  raisedTo: string[];
}

/** Never left: later than everything. */
const NOT_YET = Infinity;

/** The rules of `Shared` once more, as plainly as they can be said, next to the real thing. */
export interface FlightModel {
  /** A promise if it takes time; everything else happens at once, before anybody hears of it. */
  run(step: Step): Promise<void> | undefined;
  /** Everything ends. */
  finish(): Promise<void>;
}

export function createFlightModel(): FlightModel {
  const shared = createShared<Value>(() => new Date());
  const callers: Caller[] = [];
  const requests: Request[] = [];
  const current = new Map<string, Request>();

  function forget(request: Request): void {
    if (current.get(request.key) === request) current.delete(request.key);
  }

  function part(request: Request, caller: Caller, error: unknown): void {
    caller.due = { error };
    request.waiters.delete(caller);
    if (request.waiters.size > 0) return;
    request.abandoned = true;
    forget(request);
  }

  function ask({ key, oldMs, priority, staysMs }: Extract<Step, { happens: "ask" }>): void {
    const now = Date.now();
    const deadline = staysMs === undefined ? undefined : new Date(now + staysMs);
    const freshness: Freshness = { notOlderThan: new Date(now - oldMs), priority, deadline };
    const caller: Caller = { key, freshness, controller: new AbortController(), due: undefined, told: undefined };
    callers.push(caller);
    const found = current.get(key);
    const suits = found !== undefined && found.leftAt >= now - oldMs;
    const count = requests.length;
    listen(
      caller,
      shared.ask(key, freshness, caller.controller.signal, (flight) => send(key, priority, flight)),
    );
    expect(requests).toHaveLength(suits ? count : count + 1);
    const request = suits ? found : requests.at(-1);
    if (request !== undefined) enter(request, caller);
  }

  function send(key: string, priority: Freshness["priority"], flight: Flight): Promise<Value> {
    const reply = Promise.withResolvers<Value>();
    const request: Request = {
      ...{ key, flight, reply, waiters: new Set(), priority, leftAt: NOT_YET, hold: undefined, delay: undefined },
      ...{ end: undefined, arrivedAt: undefined, abandoned: false, raisedTo: [] },
    };
    flight.onRaised(() => void request.raisedTo.push(flight.priority()));
    requests.push(request);
    current.set(key, request);
    return reply.promise;
  }

  function enter(request: Request, caller: Caller): void {
    if (request.arrivedAt !== undefined) {
      caller.due = request.end;
      return;
    }
    request.waiters.add(caller);
    if (isTooLate(request, caller)) part(request, caller, request.hold?.why);
    else if (caller.freshness.priority === "mount") request.priority = "mount";
  }

  function giveUp(caller: Caller): void {
    const request = requests.find(({ waiters }) => waiters.has(caller));
    caller.controller.abort();
    if (request !== undefined)
      part(request, caller, new DriverError("DeadlineExceeded", "the caller's deadline ended"));
  }

  function leave(request: Request): void {
    request.leftAt = Date.now();
    request.hold = undefined;
    request.flight.leaves();
  }

  function hold(request: Request, ms: number): void {
    const until = Date.now() + ms;
    const why = new DriverError("Throttled", `not before ${until}`);
    request.leftAt = NOT_YET;
    request.hold = { until, why };
    request.delay = why;
    request.flight.held(new Date(until), why);
    for (const caller of [...request.waiters]) if (isTooLate(request, caller)) part(request, caller, why);
  }

  function end(request: Request, fails: boolean): void {
    if (request.leftAt === NOT_YET) leave(request);
    const value = { key: request.key, leftAt: request.leftAt };
    const error = new DriverError("ProviderError", `failure of request ${requests.indexOf(request)}`);
    request.end = fails ? { error } : { value };
    if (fails) request.reply.reject(error);
    else request.reply.resolve(value);
  }

  /** Answers reach those who wait. */
  async function rest(): Promise<void> {
    for (const request of requests.filter(({ end, arrivedAt }) => end !== undefined && arrivedAt === undefined)) {
      request.arrivedAt = Date.now();
      for (const caller of request.waiters) caller.due = request.end;
      if (request.waiters.size > 0 && request.end !== undefined && "error" in request.end) request.abandoned = true;
      request.waiters.clear();
      if (request.end !== undefined && "error" in request.end) forget(request);
    }
    await settle();
    check(callers, requests);
  }

  /** Whose deadline is over is told what delayed his request. */
  function endDeadlines(): void {
    for (const request of requests)
      for (const caller of [...request.waiters])
        if (request.delay !== undefined && isOver(caller)) part(request, caller, request.delay);
  }

  async function pass(ms: number): Promise<void> {
    await rest();
    vi.advanceTimersByTime(ms);
    endDeadlines();
    for (const request of requests)
      if (request.arrivedAt !== undefined && Date.now() - request.arrivedAt >= 2_000) forget(request);
    await rest();
  }

  const underWay = (): Request[] => requests.filter(({ end }) => end === undefined);
  const undecided = (): Caller[] =>
    callers.filter(({ due, controller }) => due === undefined && !controller.signal.aborted);

  function run(step: Step): Promise<void> | undefined {
    switch (step.happens) {
      case "ask":
        ask(step);
        return undefined;
      case "give up":
        pick(undecided(), step.nth, giveUp);
        return undefined;
      case "leave":
        pick(underWay(), step.nth, leave);
        return undefined;
      case "hold":
        pick(underWay(), step.nth, (request) => {
          hold(request, step.ms);
        });
        return undefined;
      case "answer":
      case "fail":
        pick(underWay(), step.nth, (request) => {
          end(request, step.happens === "fail");
        });
        return undefined;
      case "rest":
        return rest();
      case "pass":
        return pass(step.ms);
    }
  }

  async function finish(): Promise<void> {
    await rest();
    for (const request of underWay()) end(request, false);
    await rest();
    expect(callers.filter(({ told }) => told === undefined)).toEqual([]);
    await pass(2_000);
    const count = requests.length;
    for (const key of ["a", "b", "c"])
      ask({ happens: "ask", key, oldMs: 1_000_000, priority: "rotation", staysMs: undefined });
    expect(requests).toHaveLength(count + 3);
  }

  return { run, finish };
}

function listen(caller: Caller, promise: Promise<Value>): void {
  promise.then(
    (value) => {
      expect(caller.told).toBeUndefined();
      caller.told = { value };
    },
    (error: unknown) => {
      caller.told = { error };
    },
  );
}

function isTooLate({ hold }: Request, { freshness: { deadline } }: Caller): boolean {
  return hold !== undefined && deadline !== undefined && deadline.getTime() <= hold.until;
}

function isOver({ freshness: { deadline } }: Caller): boolean {
  return deadline !== undefined && deadline.getTime() <= Date.now();
}

function pick<T>(from: readonly T[], nth: number, act: (one: T) => void): void {
  const one = from[nth % from.length];
  if (one !== undefined) act(one);
}

/** What must be true whenever everything rests. */
function check(callers: readonly Caller[], requests: readonly Request[]): void {
  for (const { key, freshness, told, due } of callers) {
    expect(told).toEqual(due);
    if (told !== undefined && "value" in told) {
      expect(told.value.key).toBe(key);
      expect(told.value.leftAt).toBeGreaterThanOrEqual(freshness.notOlderThan.getTime());
    }
  }
  for (const { flight, abandoned, waiters, priority, raisedTo, end } of requests) {
    expect(flight.signal.aborted).toBe(abandoned);
    expect(flight.priority()).toBe(priority);
    expect(raisedTo.length).toBeLessThanOrEqual(1);
    expect(raisedTo.every((raised) => raised === "mount" && priority === "mount")).toBe(true);
    if (waiters.size > 0) expect([flight.signal.aborted, end]).toEqual([false, undefined]);
  }
  const waiting = new Set(requests.flatMap(({ waiters }) => [...waiters]));
  for (const caller of callers) expect(waiting.has(caller)).toBe(caller.told === undefined);
}
