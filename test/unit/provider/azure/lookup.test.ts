import type { LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createLookup } from "../../../../src/provider/azure/lookup.ts";
import { settle } from "../../../fakes/flight.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const two: LookupAddress[] = [
  { address: "192.0.2.1", family: 4 },
  { address: "2001:db8::1", family: 6 },
];

interface Resolver {
  readonly lookup: LookupFunction;
  /** Hosts that were looked up. */
  readonly started: readonly string[];
  /** Answers the look-ups of this host that are under way. */
  readonly answer: (host: string, result: Error | LookupAddress[]) => Promise<void>;
}

function open(): Resolver {
  const started: string[] = [];
  const waiting: { readonly host: string; readonly done: (error: Error | null, found: LookupAddress[]) => void }[] = [];
  const lookup = createLookup((host, done) => {
    started.push(host);
    waiting.push({ host, done });
  });
  return {
    lookup,
    started,
    answer: async (host, result) => {
      const ready = waiting.filter((one) => one.host === host);
      for (const one of ready) waiting.splice(waiting.indexOf(one), 1);
      for (const { done } of ready) {
        if (result instanceof Error) done(result, []);
        else done(null, result);
      }
      await settle();
    },
  };
}

/** What a connection's callback was called with, each time. */
function ask(lookup: LookupFunction, host: string, all = false): unknown[][] {
  const calls: unknown[][] = [];
  lookup(host, { all }, (...call) => void calls.push(call));
  return calls;
}

describe("what a connection is told", () => {
  test("all addresses if it wants all, the first one otherwise", async () => {
    const { lookup, answer } = open();
    const [all, first] = [ask(lookup, "kv1", true), ask(lookup, "kv1")];
    await answer("kv1", two);
    expect(all).toEqual([[null, two]]);
    expect(first).toEqual([[null, "192.0.2.1", 4]]);
  });
  test.each([true, false])("the resolver's error, as it is (all: %s)", async (all) => {
    const { lookup, answer } = open();
    const calls = ask(lookup, "kv1", all);
    const error = Object.assign(new Error("getaddrinfo ENOTFOUND kv1"), { code: "ENOTFOUND" });
    await answer("kv1", error);
    expect(calls).toHaveLength(1);
    expect(calls[0]?.[0]).toBe(error);
  });
  test("of the addresses it gets its own copy", async () => {
    const { lookup, answer } = open();
    const [one, other] = [ask(lookup, "kv1", true), ask(lookup, "kv1", true)];
    await answer("kv1", two);
    expect(one[0]?.[1]).not.toBe(other[0]?.[1]);
  });
  test.each([true, false])("EAI_NODATA of a name that exists without addresses (all: %s)", async (all) => {
    const { lookup, answer } = open();
    const calls = ask(lookup, "kv1", all);
    await answer("kv1", []);
    expect(calls).toHaveLength(1);
    expect(calls[0]?.[0]).toMatchObject({ code: "EAI_NODATA" });
  });
});

describe("one look-up at a time for each host", () => {
  test("who asks while one is under way shares it, whoever asks for another host does not", async () => {
    const { lookup, started, answer } = open();
    const calls = [ask(lookup, "kv1"), ask(lookup, "kv1"), ask(lookup, "kv2")];
    expect(started).toEqual(["kv1", "kv2"]);
    await answer("kv1", two);
    expect(calls.map(({ length }) => length)).toEqual([1, 1, 0]);
  });
  test.each([
    ["an answer", two],
    ["an error", new Error("failed")],
  ] as const)("after %s the next one asks anew", async (_, result) => {
    const { lookup, started, answer } = open();
    ask(lookup, "kv1");
    await answer("kv1", result instanceof Error ? result : [...result]);
    ask(lookup, "kv1");
    expect(started).toEqual(["kv1", "kv1"]);
  });
});

describe("a resolver that does not answer", () => {
  test("after 1 s the connection fails with EAI_AGAIN, once", async () => {
    const { lookup, answer } = open();
    const calls = ask(lookup, "kv1");
    vi.advanceTimersByTime(999);
    expect(calls).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(calls).toHaveLength(1);
    expect(calls[0]?.[0]).toMatchObject({ code: "EAI_AGAIN" });
    await answer("kv1", two);
    expect(calls).toHaveLength(1);
  });
  test("it is not asked a second time while the first look-up hangs; each connection waits its own second", async () => {
    const { lookup, started, answer } = open();
    const first = ask(lookup, "kv1");
    vi.advanceTimersByTime(30_000);
    const second = ask(lookup, "kv1");
    const third = ask(lookup, "kv1");
    expect(started).toEqual(["kv1"]);
    vi.advanceTimersByTime(999);
    expect([first, second, third].map(({ length }) => length)).toEqual([1, 0, 0]);
    await answer("kv1", two);
    expect(second).toEqual([[null, "192.0.2.1", 4]]);
  });
  test("an answer in time leaves no timer behind", async () => {
    const { lookup, answer } = open();
    ask(lookup, "kv1");
    await answer("kv1", two);
    expect(vi.getTimerCount()).toBe(0);
  });
});

test("the system's resolver is asked by default", async () => {
  vi.useRealTimers();
  const { promise, resolve } = Promise.withResolvers<unknown>();
  createLookup()("127.0.0.1", { all: true }, (_, found) => {
    resolve(found);
  });
  expect(await promise).toEqual([{ address: "127.0.0.1", family: 4 }]);
});

describe("a resolver that does not answer", () => {
  test("has eight look-ups at once; those that nobody waits for any more are not begun", async () => {
    const { lookup, started, answer } = open();
    const stuck = Array.from({ length: 8 }, (_, index) => `stuck-${index}`);
    const late = Array.from({ length: 100 }, (_, index) => `late-${index}`);
    const calls = [...stuck, ...late].map((host) => ask(lookup, host));
    await settle();
    expect(started).toEqual(stuck);
    vi.advanceTimersByTime(1_000);
    for (const [call] of calls) expect(call?.[0]).toMatchObject({ code: "EAI_AGAIN" });
    const healthy = ask(lookup, "healthy");
    await answer("stuck-0", two);
    await expect.poll(() => started.includes("healthy")).toBe(true);
    await answer("healthy", two);
    expect(started).toEqual([...stuck, "healthy"]);
    expect(healthy).toEqual([[null, "192.0.2.1", 4]]);
  });
});
