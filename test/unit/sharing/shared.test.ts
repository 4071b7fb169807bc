import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import type { Freshness } from "../../../src/ports.ts";
import { createShared, KEPT_MS, type Flight } from "../../../src/sharing/shared.ts";
import { createFlightModel, steps } from "../../fakes/flight-model.ts";
import { openShared, settle, type Sending } from "../../fakes/flight.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const never = new AbortController().signal;
const why = new DriverError("Throttled", "not now");

describe("who shares a request", () => {
  test("all who ask for the same at the same time get one answer, others none of it", async () => {
    const { ask, sent } = openShared();
    const answers = [ask(), ask(), ask({ key: "other" }), ask({ priority: "rotation" })];
    expect(sent.map(({ key }) => key)).toEqual(["key", "other"]);
    for (const { key, reply } of sent) reply.resolve(`the ${key}`);
    expect(await Promise.all(answers)).toEqual(["the key", "the key", "the other", "the key"]);
  });
  test.each([
    // left ms ago, may be so old, shares it
    [undefined, 0, true],
    [0, 0, true],
    [1, 0, false],
    [1_999, 2_000, true],
    [2_000, 2_000, true],
    [2_001, 2_000, false],
  ])("a request that left %s ms ago and an answer that may be %i ms old: shared is %s", (ago, oldMs, shares) => {
    const { ask, sent } = openShared();
    void ask();
    if (ago === undefined) vi.advanceTimersByTime(60_000);
    else sent[0]?.flight.leaves();
    vi.advanceTimersByTime(ago ?? 0);
    void ask({ oldMs });
    expect(sent).toHaveLength(shares ? 1 : 2);
  });
  test("a request that leaves again is as young as its last departure", () => {
    const { ask, sent } = openShared();
    void ask();
    sent[0]?.flight.leaves();
    vi.advanceTimersByTime(5_000);
    sent[0]?.flight.leaves();
    void ask();
    expect(sent).toHaveLength(1);
  });
  test("a request that is held back after it left suits everybody again", () => {
    const { ask, sent } = openShared();
    void ask();
    sent[0]?.flight.leaves();
    vi.advanceTimersByTime(5_000);
    sent[0]?.flight.held(new Date(Date.now() + 1_000), why);
    void ask();
    expect(sent).toHaveLength(1);
  });
  test("who waits for an older request gets its answer, whatever became of the younger one", async () => {
    const { ask, sent } = openShared();
    const older = ask();
    sent[0]?.flight.leaves();
    vi.advanceTimersByTime(10);
    const younger = ask();
    sent[1]?.reply.reject(why);
    await expect(younger).rejects.toBe(why);
    sent[0]?.reply.resolve("old");
    expect(await older).toBe("old");
    void ask({ oldMs: 2_000 });
    expect(sent).toHaveLength(3);
  });
});

test.each<[string, (older: Sending, leaver: AbortController) => void]>([
  [
    "is answered, and its answer goes",
    ({ reply }) => {
      reply.resolve("old");
    },
  ],
  [
    "fails",
    ({ reply }) => {
      reply.reject(why);
    },
  ],
  [
    "is left by all",
    (_, leaver) => {
      leaver.abort();
    },
  ],
])("an older request that %s does not end the sharing of the younger one", async (_, end) => {
  const { ask, sent } = openShared();
  const leaver = new AbortController();
  void ask({ signal: leaver.signal });
  const [older] = sent;
  older?.flight.leaves();
  vi.advanceTimersByTime(10);
  void ask();
  if (older !== undefined) end(older, leaver);
  await settle();
  vi.advanceTimersByTime(KEPT_MS);
  void ask();
  expect(sent).toHaveLength(2);
});

describe("what is kept", () => {
  test.each([
    [KEPT_MS - 1, 1],
    [KEPT_MS, 2],
  ])("%i ms after an answer arrived, whoever asks has caused %i requests", async (ms, count) => {
    const { ask, sent } = openShared();
    const first = ask();
    sent[0]?.flight.leaves();
    sent[0]?.reply.resolve("value");
    await first;
    await settle();
    vi.advanceTimersByTime(ms);
    void ask({ oldMs: 3_600_000 });
    expect(sent).toHaveLength(count);
  });
  test("asking for an answer does not make it stay longer", async () => {
    const { ask, sent } = openShared();
    void ask();
    sent[0]?.flight.leaves();
    sent[0]?.reply.resolve("value");
    for (let ms = 0; ms < KEPT_MS; ms += 500) {
      await settle();
      expect(await ask({ oldMs: 3_600_000 })).toBe("value");
      vi.advanceTimersByTime(500);
    }
    void ask({ oldMs: 3_600_000 });
    expect(sent).toHaveLength(2);
  });
  test("two seconds after it arrived, an answer is not in memory", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const shared = createShared<object>(() => new Date());
    const freshness: Freshness = { notOlderThan: new Date(0), priority: "mount" };
    const flights: Flight[] = [];
    const seen = await (async (): Promise<WeakRef<object>> => {
      const value = await shared.ask("key", freshness, never, (flight) => {
        flights.push(flight);
        flight.leaves();
        return Promise.resolve({ secret: "value" });
      });
      return new WeakRef(value);
    })();
    const collected = async (): Promise<boolean> => {
      await new Promise((resolve) => setImmediate(resolve));
      collect();
      return seen.deref() === undefined;
    };
    expect(await collected()).toBe(false);
    vi.advanceTimersByTime(KEPT_MS);
    expect(await collected()).toBe(true);
    // These live longer.
    expect([shared, ...flights]).toHaveLength(2);
  });
  test("a failure is told to all who wait and to nobody after them", async () => {
    const { ask, sent } = openShared();
    const answers = [ask(), ask()];
    sent[0]?.reply.reject(why);
    for (const answer of answers) await expect(answer).rejects.toBe(why);
    void ask({ oldMs: 3_600_000 });
    expect(sent).toHaveLength(2);
  });
});

describe("who leaves", () => {
  test("he is told DeadlineExceeded, the others wait on, and the last one ends the request", async () => {
    const { ask, sent } = openShared();
    const [one, two] = [new AbortController(), new AbortController()];
    const answers = [ask({ signal: one.signal }), ask({ signal: two.signal })];
    one.abort();
    await expect(answers[0]).rejects.toMatchObject({ reason: "DeadlineExceeded" });
    expect(sent[0]?.flight.signal.aborted).toBe(false);
    two.abort();
    await expect(answers[1]).rejects.toMatchObject({ reason: "DeadlineExceeded" });
    expect(sent[0]?.flight.signal.aborted).toBe(true);
  });
  test("who has left already causes no request", async () => {
    const { ask, sent } = openShared();
    await expect(ask({ signal: AbortSignal.abort() })).rejects.toMatchObject({ reason: "DeadlineExceeded" });
    expect(sent).toEqual([]);
  });
  test("who asks after the last one left causes a request of his own, and its answer is his", async () => {
    const { ask, sent } = openShared();
    const leaver = new AbortController();
    void ask({ signal: leaver.signal });
    leaver.abort();
    const answer = ask();
    sent[0]?.reply.resolve("of the one who left");
    sent[1]?.reply.resolve("mine");
    expect(await answer).toBe("mine");
    expect(await ask()).toBe("mine");
  });
  test("who leaves after his answer ends nothing", async () => {
    const { ask, sent } = openShared();
    const leaver = new AbortController();
    const answer = ask({ signal: leaver.signal });
    sent[0]?.reply.resolve("value");
    expect(await answer).toBe("value");
    leaver.abort();
    expect(sent[0]?.flight.signal.aborted).toBe(false);
  });
});

describe("urgency", () => {
  test.each([
    ["rotation", "rotation", "rotation", 0],
    ["rotation", "mount", "mount", 1],
    ["mount", "rotation", "mount", 0],
    ["mount", "mount", "mount", 0],
  ] as const)("%s joined by %s is %s, told %i times", (first, second, priority, times) => {
    const { ask, sent } = openShared();
    void ask({ priority: first });
    const raised: string[] = [];
    const flight = sent[0]?.flight;
    flight?.onRaised(() => raised.push(flight.priority()));
    void ask({ priority: second });
    void ask({ priority: second });
    expect(flight?.priority()).toBe(priority);
    expect(raised).toEqual(Array.from({ length: times }, () => "mount"));
  });
  test("who is turned away raises nothing", () => {
    const { ask, sent } = openShared();
    void ask({ priority: "rotation" });
    sent[0]?.flight.held(new Date(Date.now() + 1_000), why);
    void ask({ priority: "mount", staysMs: 500 });
    expect(sent[0]?.flight.priority()).toBe("rotation");
  });
});

test("whatever happens in whatever order, everybody gets what is his, fresh enough, and nobody waits in vain", async () => {
  const property = fc.asyncProperty(steps, async (story) => {
    const model = createFlightModel();
    for (const step of story) {
      const done = model.run(step);
      if (done !== undefined) await done;
    }
    await model.finish();
  });
  await fc.assert(property, { numRuns: 500 });
});
