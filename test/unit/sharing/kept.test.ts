import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createKept, type Kept, type KeptOptions } from "../../../src/sharing/kept.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

interface Shelf {
  readonly kept: Kept<number>;
  /** Takes a thing, which is made with the next number when there is none. */
  readonly take: (key: string) => number;
  /** Takes all of them, one after the other. */
  readonly takeAll: (keys: string) => number[];
}

function open(options: Partial<KeptOptions<number>> = {}): Shelf {
  const kept = createKept<number>({ unusedMs: 1_000, most: 100, ...options });
  let made = 0;
  const take = (key: string): number => kept.take(key, () => (made += 1));
  return { kept, take, takeAll: (keys) => Array.from(keys, take) };
}

test("a thing is made once for each key", () => {
  expect(open().takeAll("abab")).toEqual([1, 2, 1, 2]);
});

test("what could not be made is not kept, and nothing goes for it", () => {
  const { kept, take } = open({ most: 1 });
  take("a");
  const failing = (): number => {
    throw new Error("failed");
  };
  expect(() => kept.take("b", failing)).toThrow("failed");
  expect(take("a")).toBe(1);
  expect(kept.take("b", () => 7)).toBe(7);
});

describe("what nobody wants", () => {
  test.each([
    [999, 1],
    [1_000, 2],
  ])("after %i of 1,000 ms without use it was made %i times", (ms, times) => {
    const { take } = open();
    take("a");
    vi.advanceTimersByTime(ms);
    expect(take("a")).toBe(times);
  });
  test("each use makes it stay, and the others go", () => {
    const { take } = open();
    take("unused");
    for (let use = 0; use < 5; use += 1) {
      expect(take("used")).toBe(2);
      vi.advanceTimersByTime(900);
    }
    expect([take("used"), take("unused")]).toEqual([2, 3]);
  });
  test("leaves no timer behind", () => {
    const { takeAll } = open({ most: 2 });
    takeAll("abcdabcd");
    expect(vi.getTimerCount()).toBe(2);
    vi.advanceTimersByTime(1_000);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("how many are kept", () => {
  test.each([
    // taken one after another, then asked for in this order: what is found, and what is made anew
    ["abc", "abc", [1, 2, 3]],
    ["abcd", "bcda", [2, 3, 4, 5]],
    ["abcad", "acdb", [1, 3, 4, 5]],
    ["abcabd", "abdc", [1, 2, 4, 5]],
    ["abcdef", "defabc", [4, 5, 6, 7, 8, 9]],
  ])("of at most three: after %j, %j are %j", (taken, then, numbers) => {
    const { takeAll } = open({ most: 3 });
    takeAll(taken);
    expect(takeAll(then)).toEqual(numbers);
  });
  test.each([
    // each thing weighs what its key says
    ["1234", "4321", [4, 3, 2, 1]],
    ["12345", "543", [5, 4, 6]],
    ["28", "82", [2, 1]],
    ["29", "92", [2, 3]],
    ["1117", "7", [2]],
  ])("of at most ten in weight: after %j, %j are %j", (taken, then, numbers) => {
    const { takeAll } = open({ most: 10, weightOf: Number });
    takeAll(taken);
    expect(takeAll(then)).toEqual(numbers);
  });
  test("what was not wanted for a while weighs nothing any more", () => {
    const { takeAll } = open({ most: 10, weightOf: Number });
    takeAll("55");
    takeAll("9");
    vi.advanceTimersByTime(1_000);
    expect(takeAll("3434")).toEqual([3, 4, 3, 4]);
  });
  test("what has gone does not take with it what was made in its place", () => {
    const { take, takeAll } = open({ most: 1 });
    takeAll("ab");
    vi.advanceTimersByTime(600);
    expect(take("a")).toBe(3);
    vi.advanceTimersByTime(600);
    expect(take("a")).toBe(3);
  });
});

describe("what is busy", () => {
  test("stays though others were wanted later, and who is not goes instead", () => {
    const { takeAll } = open({ most: 2, isBusy: (number) => number === 1 });
    takeAll("abcd");
    expect(takeAll("adb")).toEqual([1, 4, 5]);
  });
  test("stays even when there is no room for it, until it is done", () => {
    const busy = new Set([1, 2, 3, 4]);
    const { takeAll } = open({ most: 2, isBusy: (number) => busy.has(number) });
    takeAll("abcd");
    expect(takeAll("abcd")).toEqual([1, 2, 3, 4]);
    busy.clear();
    takeAll("e");
    expect(takeAll("de")).toEqual([4, 5]);
    expect(takeAll("a")).toEqual([6]);
  });
  test("stays however long nobody wants it, and goes a whole time without use later", () => {
    const busy = new Set([1]);
    const { take } = open({ isBusy: (number) => busy.has(number) });
    take("a");
    vi.advanceTimersByTime(5_500);
    busy.clear();
    vi.advanceTimersByTime(499);
    expect(take("a")).toBe(1);
    vi.advanceTimersByTime(1_000);
    expect(take("a")).toBe(2);
  });
});
