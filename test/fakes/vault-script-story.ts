import fc from "fast-check";
import { expect, vi } from "vitest";
import { DriverError } from "../../src/errors.ts";
import type { Freshness } from "../../src/ports.ts";
import { createBudget } from "../../src/provider/azure/budget.ts";
import { createShared } from "../../src/sharing/shared.ts";
import { settle } from "./flight.ts";
import { createVaultScript, type Reply, type ScriptedRequest } from "./vault-script.ts";

/** One thing that happens between many callers and one vault. */
export type BudgetStep =
  | {
      readonly happens: "ask";
      readonly identity: "x" | "y";
      /** So many objects are asked for at once, from this one on. */
      readonly first: number;
      readonly count: number;
      readonly oldMs: number;
      readonly priority: Freshness["priority"];
      readonly staysMs: number | undefined;
    }
  | { readonly happens: "leave"; readonly nth: number; readonly count: number }
  | { readonly happens: "reply"; readonly nth: number; readonly count: number; readonly how: Reply }
  | { readonly happens: "pass"; readonly ms: number };

const retryAfters = [undefined, 0, 300, 2_000, 400_000];
const replies: readonly Reply[] = [
  ...(["answer", "answer", "answer", "fail", "break"] as const),
  ...retryAfters.map((retryAfterMs) => ({ throttle: true, retryAfterMs }) as const),
];

export const budgetSteps: fc.Arbitrary<readonly BudgetStep[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        happens: fc.constant("ask" as const),
        identity: fc.constantFrom("x" as const, "y" as const),
        first: fc.nat(20),
        count: fc.integer({ min: 1, max: 15 }),
        oldMs: fc.constantFrom(0, 2_000),
        priority: fc.constantFrom("mount" as const, "rotation" as const),
        staysMs: fc.constantFrom(undefined, undefined, 400, 1_000, 5_000),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        happens: fc.constant("leave" as const),
        nth: fc.nat(60),
        count: fc.constantFrom(1, 5, 40),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        happens: fc.constant("reply" as const),
        nth: fc.nat(20),
        count: fc.constantFrom(1, 3, 20),
        how: fc.constantFrom(...replies),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ happens: fc.constant("pass" as const), ms: fc.constantFrom(1, 99, 700, 2_500) }),
    },
  ),
  { maxLength: 40 },
);

interface Caller {
  readonly name: string;
  readonly freshness: Freshness;
  readonly controller: AbortController;
  told: { readonly value: Answer } | { readonly error: unknown } | undefined;
}

interface Answer {
  readonly name: string;
  readonly leftAt: number;
}

/** What a vault may expect of a node that it has throttled. */
interface Manners {
  /** Nothing is sent before. */
  quietUntil: number;
  /** Sent since the last refusal. */
  sinceRefusal: ScriptedRequest[];
  /** Whether the vault has taken one of them. */
  taken: boolean;
  /** What was sent against all manners. */
  readonly faults: string[];
}

export interface BudgetStory {
  run(step: BudgetStep): Promise<void>;
  /** The vault answers everything; everybody must hear of it. */
  finish(): Promise<void>;
}

/** Callers who share requests, over one budget, over a vault that does anything; every third request lags when left. */
export function createBudgetStory(): BudgetStory {
  const clock = (): Date => new Date();
  const manners: Manners = { quietUntil: 0, sinceRefusal: [], taken: true, faults: [] };
  const vault = createVaultScript({
    lags: (name) => Number(name.slice(1)) % 3 === 0,
    onSend: (request) => {
      manners.sinceRefusal.push(request);
      manners.faults.push(...faultsOf(request, vault.open(), manners));
    },
  });
  const budget = createBudget({ vaultName: "kv1", clock, elapsed: Date.now, random: () => 0.5 });
  const desks = { x: createShared<Answer>(clock), y: createShared<Answer>(clock) };
  const callers: Caller[] = [];
  let unsettled = 0;

  function ask(
    identity: "x" | "y",
    object: number,
    { oldMs, priority, staysMs }: Extract<BudgetStep, { happens: "ask" }>,
  ): void {
    const now = Date.now();
    const deadline = staysMs === undefined ? undefined : new Date(now + staysMs);
    const caller: Caller = {
      name: `${identity}${object}`,
      freshness: { notOlderThan: new Date(now - oldMs), priority, deadline },
      controller: new AbortController(),
      told: undefined,
    };
    callers.push(caller);
    const answer = desks[identity].ask(caller.name, caller.freshness, caller.controller.signal, async (flight) => {
      unsettled += 1;
      try {
        return await budget.run(flight, identity, async () => {
          const leftAt = Date.now();
          return { name: await vault.send(flight, caller.name), leftAt };
        });
      } finally {
        unsettled -= 1;
      }
    });
    const tell = (told: NonNullable<Caller["told"]>): void => {
      expect(caller.told).toBeUndefined();
      caller.told = told;
    };
    answer.then(
      (value) => {
        tell({ value });
      },
      (error: unknown) => {
        tell({ error });
      },
    );
  }

  const waiting = (): Caller[] =>
    callers.filter(({ told, controller }) => told === undefined && !controller.signal.aborted);

  async function reply(request: ScriptedRequest, how: Reply): Promise<void> {
    if (typeof how === "string") {
      if (how !== "break" && manners.sinceRefusal.includes(request)) manners.taken = true;
    } else {
      refuse(how.retryAfterMs);
    }
    request.reply(how);
    await settle();
  }

  function refuse(retryAfterMs: number | undefined): void {
    // Without Retry-After, one more refusal during a pause changes nothing.
    const mayPause = !manners.taken && manners.sinceRefusal.length === 0;
    if (retryAfterMs !== undefined || !mayPause) {
      const pause = Math.min(Math.max(retryAfterMs ?? 0, 100), 300_000);
      manners.quietUntil = Math.max(manners.quietUntil, Date.now() + pause);
    }
    manners.sinceRefusal = [];
    manners.taken = false;
  }

  async function happen(step: BudgetStep): Promise<void> {
    switch (step.happens) {
      case "ask":
        for (let index = 0; index < step.count; index += 1) ask(step.identity, step.first + index, step);
        return;
      case "leave":
        for (const { controller } of some(waiting(), step)) controller.abort();
        return;
      case "reply":
        for (const request of some(vault.open(), step)) await reply(request, step.how);
        return;
      case "pass":
        vi.advanceTimersByTime(step.ms);
        return;
    }
  }

  async function run(step: BudgetStep): Promise<void> {
    await happen(step);
    await settle();
    expect(manners.faults).toEqual([]);
    callers.forEach(checkCaller);
  }

  async function finish(): Promise<void> {
    for (let round = 0; round < 200 && (unsettled > 0 || vault.open().length > 0); round += 1) {
      await run({ happens: "reply", nth: 0, count: 100, how: "answer" });
      if (vault.open().length === 0) await run({ happens: "pass", ms: 300_000 });
    }
    expect(waiting().map(({ name }) => name)).toEqual([]);
    expect(unsettled).toBe(0);
  }

  return { run, finish };
}

function some<T>(from: readonly T[], { nth, count }: { readonly nth: number; readonly count: number }): T[] {
  const start = from.length === 0 ? 0 : nth % from.length;
  return from.slice(start, start + count);
}

/** What is wrong with sending this one now; those from before a pause count only when the vault takes requests again. */
function faultsOf(request: ScriptedRequest, open: readonly ScriptedRequest[], manners: Manners): string[] {
  const { quietUntil, sinceRefusal, taken } = manners;
  const faults = Date.now() < quietUntil ? [`${request.name} left during a pause`] : [];
  if (!taken) {
    const probes = sinceRefusal.filter(({ end }) => end === undefined);
    return probes.length > 1 ? [...faults, `${request.name} did not wait for the first one`] : faults;
  }
  const mounts = open.filter(({ priority }) => priority === "mount");
  const isTooMuch = open.length > 20 || (request.priority === "mount" && mounts.length > 18);
  return isTooMuch ? [...faults, `${request.name} had no place`] : faults;
}

/** Nobody hears of a 429 unless he cannot wait; what he gets is his, and fresh enough. */
function checkCaller({ name, told, freshness, controller }: Caller): void {
  if (told === undefined) return;
  if ("value" in told) {
    expect(told.value.name).toBe(name);
    expect(told.value.leftAt).toBeGreaterThanOrEqual(freshness.notOlderThan.getTime());
    return;
  }
  if (!(told.error instanceof DriverError)) throw told.error;
  const { reason, message } = told.error;
  if (reason === "Throttled") {
    expect(message).toMatch(
      /^throttled: vault kv1 limits requests, and this node pauses for (a while|\d+ s); the next/,
    );
    expect(freshness.deadline).toBeDefined();
  } else if (reason === "DeadlineExceeded") expect(controller.signal.aborted).toBe(true);
  else expect(message).toMatch(/^(the vault is out of order|the connection broke)$/);
}
