import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import { createShared, KEPT_MS, type Flight } from "../../../src/sharing/shared.ts";
import { isOpen, openShared, settle } from "../../fakes/flight.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const never = new AbortController().signal;
const why = new DriverError("Throttled", "not now");

describe("a request that is held back", () => {
  test.each([
    [undefined, true],
    [999, false],
    [1_000, false],
    [1_001, true],
  ])(
    "for 1,000 ms: who stays for %s ms waits on is %s, whether he came before or comes after",
    async (staysMs, waits) => {
      const { ask, sent } = openShared();
      const stays = staysMs === undefined ? {} : { staysMs };
      const others = ask();
      const before = ask(stays);
      sent[0]?.flight.held(new Date(Date.now() + 1_000), why);
      const after = ask(stays);
      for (const answer of [before, after]) {
        expect(await isOpen(answer)).toBe(waits);
        if (!waits) await expect(answer).rejects.toBe(why);
      }
      expect(await isOpen(others)).toBe(true);
      expect(sent[0]?.flight.signal.aborted).toBe(false);
      expect(sent).toHaveLength(1);
    },
  );
  test("if nobody can wait for it, it ends", async () => {
    const { ask, sent } = openShared();
    const answer = ask({ staysMs: 1_000 });
    sent[0]?.flight.held(new Date(Date.now() + 1_000), why);
    await expect(answer).rejects.toBe(why);
    expect(sent[0]?.flight.signal.aborted).toBe(true);
  });
  test("held back before it was sent for the first time, it is refused at once as well", async () => {
    const shared = createShared<string>(() => new Date());
    const freshness = { notOlderThan: new Date(), priority: "mount", deadline: new Date(Date.now() + 500) } as const;
    const answer = shared.ask("key", freshness, never, (flight) => {
      flight.held(new Date(Date.now() + 1_000), why);
      return Promise.withResolvers<string>().promise;
    });
    await expect(answer).rejects.toBe(why);
  });
  test("once it has left, nobody is refused before his deadline", async () => {
    const { ask, sent } = openShared();
    void ask();
    sent[0]?.flight.held(new Date(Date.now() + 1_000), why);
    sent[0]?.flight.leaves();
    const answer = ask({ staysMs: 500 });
    expect(await isOpen(answer)).toBe(true);
    sent[0]?.reply.resolve("value");
    expect(await answer).toBe("value");
  });
});

describe("who waits for a request that was held back", () => {
  const again = new DriverError("Throttled", "not now either");

  test.each<[string, (flight: Flight) => void, DriverError | undefined]>([
    [
      "still is, for longer than he was told",
      (flight) => {
        flight.held(new Date(Date.now() + 499), why);
      },
      why,
    ],
    [
      "has left again",
      (flight) => {
        flight.held(new Date(Date.now() + 499), why);
        flight.leaves();
      },
      why,
    ],
    [
      "was held twice",
      (flight) => {
        flight.held(new Date(Date.now() + 100), why);
        flight.leaves();
        flight.held(new Date(Date.now() + 499), again);
        flight.leaves();
      },
      again,
    ],
    [
      "was never held",
      (flight) => {
        flight.leaves();
      },
      undefined,
    ],
  ])("at his deadline, when it %s, he is told the last reason there was", async (_, story, reason) => {
    const { ask, sent } = openShared();
    const others = ask();
    const answer = ask({ staysMs: 500 });
    if (sent[0] !== undefined) story(sent[0].flight);
    vi.advanceTimersByTime(499);
    expect(await isOpen(answer)).toBe(true);
    vi.advanceTimersByTime(1);
    if (reason === undefined) expect(await isOpen(answer)).toBe(true);
    else await expect(answer).rejects.toBe(reason);
    expect(await isOpen(others)).toBe(true);
    expect(sent[0]?.flight.signal.aborted).toBe(false);
  });
  test("who joins after it has left again is told at his own deadline", async () => {
    const { ask, sent } = openShared();
    void ask();
    sent[0]?.flight.held(new Date(Date.now() + 1_000), why);
    vi.advanceTimersByTime(1_000);
    sent[0]?.flight.leaves();
    const answer = ask({ staysMs: 300 });
    vi.advanceTimersByTime(299);
    expect(await isOpen(answer)).toBe(true);
    vi.advanceTimersByTime(1);
    await expect(answer).rejects.toBe(why);
  });
  test("if it was the last one's deadline, the request ends", async () => {
    const { ask, sent } = openShared();
    const answer = ask({ staysMs: 500 });
    sent[0]?.flight.held(new Date(Date.now() + 100), why);
    sent[0]?.flight.leaves();
    vi.advanceTimersByTime(500);
    await expect(answer).rejects.toBe(why);
    expect(sent[0]?.flight.signal.aborted).toBe(true);
  });
  test.each([Date.now() + 2 ** 40, 8.64e15])("a deadline in %d ms is as good as any", async (far) => {
    const { ask, sent } = openShared();
    const answer = ask({ staysMs: far - Date.now() });
    sent[0]?.flight.held(new Date(Date.now() + 1_000), why);
    vi.advanceTimersByTime(3_600_000);
    expect(await isOpen(answer)).toBe(true);
  });
  test("answered, left or refused, he leaves no timer behind", async () => {
    const { ask, sent } = openShared();
    const leaver = new AbortController();
    for (const [key, signal] of [
      ["answered", never],
      ["failed", never],
      ["left", leaver.signal],
    ] as const)
      void ask({ key, signal, staysMs: 60_000 });
    expect(vi.getTimerCount()).toBe(3);
    leaver.abort();
    sent[0]?.reply.resolve("value");
    sent[1]?.reply.reject(why);
    await settle();
    vi.advanceTimersByTime(KEPT_MS);
    expect(vi.getTimerCount()).toBe(0);
  });
});
