import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DriverError } from "../../../../src/errors.ts";
import { createBudget, type Budget } from "../../../../src/provider/azure/budget.ts";
import { VaultRefusal } from "../../../../src/provider/azure/vault-refusal.ts";
import type { Priority } from "../../../../src/provider/azure/turns.ts";
import { createBudgetStory, budgetSteps } from "../../../fakes/vault-script-story.ts";
import { createVaultScript, throttle, type VaultScript, type VaultScriptOptions } from "../../../fakes/vault-script.ts";
import { createFakeFlight, settle, type FakeFlight } from "../../../fakes/flight.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

interface Run {
  readonly flight: FakeFlight;
  readonly done: Promise<string>;
}

interface Desk {
  readonly budget: Budget;
  readonly vault: VaultScript;
  readonly run: (name: string, priority?: Priority) => Run;
  readonly runAll: (count: number, priority?: Priority) => Run[];
}

function open(options: VaultScriptOptions = {}): Desk {
  const budget = createBudget({ vaultName: "kv1", clock: () => new Date(), elapsed: Date.now, random: () => 0.5 });
  const vault = createVaultScript(options);
  const run = (name: string, priority: Priority = "rotation"): Run => {
    const flight = createFakeFlight(priority);
    const done = budget.run(flight, "identity", () => vault.send(flight, name));
    done.catch(() => undefined);
    return { flight, done };
  };
  const runAll = (count: number, priority?: Priority): Run[] =>
    Array.from({ length: count }, (_, index) => run(`${index}`, priority));
  return { budget, vault, run, runAll };
}

/** Lets time pass in small steps, and everything happen that comes with it. */
async function pass(ms: number): Promise<void> {
  await settle();
  for (let left = ms; left > 0; left -= 50) {
    vi.advanceTimersByTime(Math.min(left, 50));
    await settle();
  }
}

describe("a vault that takes requests", () => {
  test("a request is sent at once, it leaves when it is sent, and its answer is the caller's", async () => {
    const { vault, run } = open();
    const { flight, done } = run("s1");
    expect(flight.departures).toEqual([Date.now()]);
    vault.open()[0]?.reply("answer");
    expect(await done).toBe("s1");
    expect(flight.holds).toEqual([]);
  });
  test("a request that has to wait for a place leaves when it gets one", async () => {
    const { vault, run, runAll } = open();
    runAll(20);
    const { flight } = run("late");
    expect(flight.departures).toEqual([]);
    await pass(700);
    vault.open()[0]?.reply("answer");
    await settle();
    expect(flight.departures).toEqual([Date.now()]);
  });
  test.each([
    ["a refusal", new VaultRefusal("forbidden", 403, undefined)],
    ["an outage", new VaultRefusal("out of order", 503, 1_000)],
    ["a throttled token request", new DriverError("Throttled", "Entra ID limits requests")],
    ["an unknown error", new Error("unknown")],
  ])("%s is the caller's, unchanged, and is not sent again", async (_, error) => {
    const { budget, run, vault } = open();
    const send = vi.fn<() => Promise<string>>().mockRejectedValue(error);
    await expect(budget.run(createFakeFlight(), "identity", send)).rejects.toBe(error);
    expect(send).toHaveBeenCalledTimes(1);
    run("next");
    expect(vault.open()).toHaveLength(1);
  });
  test("who leaves while it waits is never sent", async () => {
    const { vault, run, runAll } = open();
    runAll(20);
    const { flight, done } = run("left");
    flight.abort();
    await expect(done).rejects.toBe(flight.signal.reason);
    for (const request of vault.open()) request.reply("answer");
    await settle();
    expect(vault.sent.map(({ name }) => name)).not.toContain("left");
  });
});

describe("a vault that limits requests", () => {
  test.each([
    [undefined, 500],
    [1_000, 1_000],
    [30_000, 30_000],
    [3_600_000, 300_000],
  ])(
    "asked to wait for %s ms, a request is sent again after %i ms, and the caller sees nothing of it",
    async (asked, ms) => {
      const { vault, run } = open();
      const { flight, done } = run("s1", "mount");
      const start = Date.now();
      vault.open()[0]?.reply(throttle(asked));
      await pass(ms - 50);
      expect(vault.sent).toHaveLength(1);
      await pass(50);
      expect(flight.departures).toEqual([start, start + ms]);
      vault.open()[0]?.reply("answer");
      expect(await done).toBe("s1");
    },
  );
  test("all who wait are told until when and why, and who comes later as well", async () => {
    const { vault, run, runAll } = open();
    const sent = runAll(20);
    const waiting = run("waiting");
    vault.open()[0]?.reply(throttle(1_500));
    await settle();
    const comes = run("comes");
    const until = new Date(Date.now() + 1_500);
    const why = new DriverError(
      "Throttled",
      "throttled: vault kv1 limits requests, and this node pauses for 2 s; the next attempt comes by itself",
    );
    for (const one of [sent[0], waiting, comes]) expect(one?.flight.holds).toEqual([{ until, why }]);
    expect(sent[1]?.flight.holds).toEqual([]);
    expect(vault.sent).toHaveLength(20);
  });
  test.each([
    // what it asked for, one after another; what is told
    [[undefined], "for a while"],
    [[undefined, undefined, undefined], "for a while"],
    [[100], "for 1 s"],
    [[1_000], "for 1 s"],
    [[1_001], "for 2 s"],
    [[30_000, 30_000], "for 30 s"],
    [[undefined, 7_000], "for 7 s"],
    [[3_600_000], "for 300 s"],
    [[Infinity], "for 300 s"],
  ])("asked for %j ms, this node says that it pauses %s, whoever hears it when", async (story, words) => {
    const { vault, run } = open();
    const first = run("s1");
    for (const asked of story) {
      while (vault.open().length === 0) await pass(1_000);
      vault.open()[0]?.reply(throttle(asked));
      await settle();
    }
    await pass(50);
    const late = run("late");
    const told = [first.flight.holds.at(-1)?.why.message, late.flight.holds[0]?.why.message];
    const message = `throttled: vault kv1 limits requests, and this node pauses ${words}; the next attempt comes by itself`;
    expect(told).toEqual([message, message]);
  });
  test("after the pause one goes first, mounts before rotation, and the rest follow its success", async () => {
    const { vault, run, runAll } = open();
    run("first").flight.leaves();
    vault.open()[0]?.reply(throttle(1_000));
    await settle();
    runAll(30);
    run("mount", "mount");
    await pass(1_000);
    expect(vault.open().map(({ name }) => name)).toEqual(["mount"]);
    await pass(5_000);
    expect(vault.open()).toHaveLength(1);
    vault.open()[0]?.reply("answer");
    await settle();
    expect(vault.open()).toHaveLength(20);
  });
  test("if the first one is throttled, the next pause is longer", async () => {
    const { vault, run } = open();
    run("s1");
    const times: number[] = [];
    for (let attempt = 0; attempt < 4; attempt += 1) {
      vault.open()[0]?.reply(throttle());
      const start = Date.now();
      while (vault.open().length === 0) await pass(50);
      times.push(Date.now() - start);
    }
    expect(times).toEqual([500, 1_000, 2_000, 4_000]);
  });
  test("if everybody leaves the first one, another goes first, and still only one", async () => {
    const { vault, run, runAll } = open();
    const first = run("first", "mount");
    vault.open()[0]?.reply(throttle(1_000));
    await settle();
    runAll(5);
    await pass(1_000);
    expect(vault.open().map(({ name }) => name)).toEqual(["first"]);
    first.flight.abort();
    await settle();
    expect(vault.open().map(({ name }) => name)).toEqual(["0"]);
  });
  test.each([
    ["a refusal that is no 429", "fail", 5],
    ["an answer", "answer", 5],
    ["a failure that is no answer", "break", 1],
  ] as const)("after %s of the one that goes first, of five others so many go: %s, %i", async (_, how, count) => {
    const { vault, run, runAll } = open();
    run("first", "mount");
    vault.open()[0]?.reply(throttle(1_000));
    await settle();
    runAll(5);
    await pass(1_000);
    vault.open()[0]?.reply(how);
    await settle();
    expect(vault.open()).toHaveLength(count);
  });
  test("as long as there is no answer of the vault, one goes after the other", async () => {
    const { vault, run, runAll } = open();
    run("first", "mount");
    vault.open()[0]?.reply(throttle(1_000));
    await settle();
    const others = runAll(25);
    await pass(1_000);
    for (let broken = 0; broken < 4; broken += 1) {
      expect(vault.open()).toHaveLength(1);
      vault.open()[0]?.reply("break");
      await settle();
    }
    await expect(others[0]?.done).rejects.toThrow("the connection broke");
    vault.open()[0]?.reply("answer");
    await settle();
    expect(vault.open()).toHaveLength(20);
  });
  test("one goes first even while all places are held by those from before the pause", async () => {
    const { vault, runAll } = open();
    runAll(30);
    const [refused, ...slow] = vault.open();
    refused?.reply(throttle(1_000));
    await pass(1_000);
    const probes = vault.open().filter((request) => !slow.includes(request));
    expect(probes).toHaveLength(1);
    probes[0]?.reply("answer");
    await settle();
    expect(vault.open()).toHaveLength(20);
  });
  test.each([
    ["an answer", "answer"],
    ["a failure", "fail"],
    ["a broken connection", "break"],
  ] as const)(
    "%s of what left before the pause does not let the rest follow, even if it comes after it",
    async (_, how) => {
      const { vault, runAll } = open();
      runAll(30);
      const [refused, ...slow] = vault.open();
      refused?.reply(throttle(1_000));
      await pass(1_500);
      for (const request of slow) request.reply(how);
      await settle();
      expect(vault.open()).toHaveLength(1);
    },
  );
  test("a request that is throttled after everybody left it is not sent again", async () => {
    const { vault, run } = open({ lags: () => true });
    const { flight, done } = run("left");
    flight.abort();
    vault.open()[0]?.reply(throttle(1_000));
    await expect(done).rejects.toBe(flight.signal.reason);
    await pass(2_000);
    expect(vault.sent).toHaveLength(1);
  });
});

describe("how many wait", () => {
  const most = 10_000;

  test("the 10,001st is refused as Throttled at once, until one of the others leaves", async () => {
    const { run, runAll } = open();
    const runs = runAll(20 + most);
    const excess = run("excess");
    await expect(excess.done).rejects.toEqual(
      new DriverError(
        "Throttled",
        "throttled: vault kv1 is slow: 10000 requests of this node wait for it already; the next attempt comes by itself",
      ),
    );
    expect(excess.flight.departures).toEqual([]);
    runs[20]?.flight.abort();
    await settle();
    expect(await isRefused(run("next"))).toBe(false);
    expect(await isRefused(run("excess"))).toBe(true);
  });
  test.each(["answer", "fail", "leave", "leave, then throttled", "throttled, then leave", "throttled, then answer"])(
    "who is gone does not count any more: %s",
    async (how) => {
      const { vault, run, runAll } = open({ lags: () => how === "leave, then throttled" });
      const { flight } = run("gone");
      const [request] = vault.open();
      if (how.startsWith("leave")) flight.abort();
      await settle();
      request?.reply(how === "answer" || how === "fail" ? how : throttle(100));
      await settle();
      if (how.endsWith("leave")) flight.abort();
      await pass(200);
      vault.open()[0]?.reply("answer");
      await settle();
      const probe = run("opens the gate");
      vault.open()[0]?.reply("answer");
      await probe.done;
      runAll(20 + most - 1);
      expect(await isRefused(run("last"))).toBe(false);
      expect(await isRefused(run("excess"))).toBe(true);
    },
  );
});

async function isRefused({ done }: Run): Promise<boolean> {
  let refused = false;
  done.catch((error: unknown) => {
    refused = error instanceof DriverError && error.reason === "Throttled";
  });
  await settle();
  return refused;
}

describe("whether it is busy", () => {
  test("while one waits or is under way, however that one ends", async () => {
    const { budget, vault, run } = open();
    expect(budget.isBusy()).toBe(false);
    for (const how of ["answer", "fail", "break", "leave"] as const) {
      const { flight } = run("one");
      expect(budget.isBusy()).toBe(true);
      if (how === "leave") flight.abort();
      else vault.open()[0]?.reply(how);
      await settle();
      expect(budget.isBusy()).toBe(false);
    }
  });
  test("also during a pause, until who waits has left", async () => {
    const { budget, vault, run } = open();
    const { flight } = run("one");
    vault.open()[0]?.reply(throttle(1_000));
    await settle();
    expect(budget.isBusy()).toBe(true);
    flight.abort();
    await settle();
    expect(budget.isBusy()).toBe(false);
  });
});

test("whatever the vault does and whoever leaves, nobody is forgotten and the vault is spared", async () => {
  const property = fc.asyncProperty(budgetSteps, async (story) => {
    const { run, finish } = createBudgetStory();
    for (const step of story) await run(step);
    await finish();
  });
  await fc.assert(property, { numRuns: 200 });
});
