import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Gate } from "../../../../src/provider/azure/capacity.ts";
import { createThrottle, type Throttle } from "../../../../src/provider/azure/throttle.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const MINUTE = 60_000;
let jumpedMs = 0;

/** Somebody sets the time of day. */
function jump(ms: number): void {
  jumpedMs += ms;
  vi.setSystemTime(Date.now() + ms);
}

/** A gate that only remembers what was done to it. */
interface FakeGate {
  readonly set: (gate: Gate) => void;
  readonly epoch: () => number;
  readonly is: Gate;
}

function createGate(): FakeGate {
  let epoch = 0;
  let is: Gate = "open";
  return {
    set: (next) => {
      if (next === "closed") epoch += 1;
      is = next;
    },
    epoch: () => epoch,
    get is() {
      return is;
    },
  };
}

function open(random = 0.5): { gate: FakeGate; throttle: Throttle; remaining: () => number | undefined } {
  const gate = createGate();
  const throttle = createThrottle(gate, {
    clock: () => new Date(),
    elapsed: () => Date.now() - jumpedMs,
    random: () => random,
  });
  const remaining = (): number | undefined => {
    const until = throttle.pause()?.until;
    return until === undefined ? undefined : until.getTime() - Date.now();
  };
  return { gate, throttle, remaining };
}

describe("how long a pause is", () => {
  test.each([
    // what the vault asks for, what it gets
    [1_000, 1_000],
    [30_000, 30_000],
    [0, 100],
    [99, 100],
    [101, 101],
    [5 * MINUTE, 5 * MINUTE],
    [5 * MINUTE + 1, 5 * MINUTE],
    [999_999_999_000, 5 * MINUTE],
    [Infinity, 5 * MINUTE],
  ])("a vault that asks for %i ms is left alone for %i ms", (asked, pause) => {
    const { gate, throttle, remaining } = open();
    throttle.refused(asked);
    expect(remaining()).toBe(pause);
    vi.advanceTimersByTime(pause - 1);
    expect(gate.is).toBe("closed");
    vi.advanceTimersByTime(1);
    expect([gate.is, remaining()]).toEqual(["probing", undefined]);
  });

  test.each([
    // random, pauses one after another without a success between them
    [0, [100, 100, 100]],
    [0.05, [100, 100, 200, 400]],
    [0.5, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 150_000, 150_000]],
    [1, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000]],
  ])("a vault that does not say: with random %d the pauses are %j", (random, expected) => {
    const { throttle, remaining } = open(random);
    const pauses = expected.map(() => {
      throttle.refused(undefined);
      const pause = remaining() ?? 0;
      vi.advanceTimersByTime(pause);
      return pause;
    });
    expect(pauses).toEqual(expected);
  });

  test.each([
    // asked for again and again, random, pauses one after another without a success between them
    [0, 0.5, [100, 1_000, 2_000, 4_000]],
    [0, 0, [100, 100, 100]],
    [999, 1, [999, 2_000, 4_000, 8_000]],
    [999, 0.01, [999, 999, 999]],
    [1_000, 1, [1_000, 1_000, 1_000]],
    [400, 0.3, [400, 600, 1_200, 2_400]],
  ])("a vault that asks for %i ms again and again: with random %d the pauses are %j", (asked, random, expected) => {
    const { throttle, remaining } = open(random);
    const pauses = expected.map(() => {
      throttle.refused(asked);
      const pause = remaining() ?? 0;
      vi.advanceTimersByTime(pause);
      return pause;
    });
    expect(pauses).toEqual(expected);
  });

  test("a success makes a short pause what the vault asks for again", () => {
    const { gate, throttle, remaining } = open(1);
    for (let pause = 0; pause < 3; pause += 1) {
      throttle.refused(0);
      vi.advanceTimersByTime(5 * MINUTE);
    }
    throttle.answered(gate.epoch());
    throttle.refused(0);
    expect(remaining()).toBe(100);
  });

  test("a backoff stays below five minutes however often it grew", () => {
    const { throttle, remaining } = open(1);
    for (let pause = 0; pause < 2_000; pause += 1) {
      throttle.refused(undefined);
      expect(remaining()).toBeLessThanOrEqual(5 * MINUTE);
      vi.advanceTimersByTime(5 * MINUTE);
    }
  });

  test("a success makes the next backoff short again", () => {
    const { gate, throttle, remaining } = open(1);
    for (let pause = 0; pause < 3; pause += 1) {
      throttle.refused(undefined);
      vi.advanceTimersByTime(5 * MINUTE);
    }
    throttle.answered(gate.epoch());
    throttle.refused(undefined);
    expect(remaining()).toBe(1_000);
  });
});

describe("what is told of its length", () => {
  test.each([
    // what the vault asked for one after another, what is told of the last pause
    [[undefined], undefined],
    [[undefined, undefined], undefined],
    [[2_000], 2_000],
    [[undefined, 2_000], 2_000],
    [[3_600_000], 5 * MINUTE],
    [[0], 100],
    // Chosen by us, and another one each time.
    [[0, 0], undefined],
  ])("after %j: %s ms", (story, told) => {
    const { throttle } = open();
    const pauses = story.map((asked) => {
      throttle.refused(asked);
      const pause = throttle.pause();
      vi.advanceTimersByTime(5 * MINUTE);
      return pause;
    });
    expect(pauses.at(-1)?.askedMs).toBe(told);
  });
});

describe("a burst of refusals", () => {
  test.each([
    [[undefined, undefined, undefined], 500],
    [[1_000, undefined, 200], 1_000],
    [[1_000, 3_000, 2_000], 3_000],
    [[undefined, 400], 500],
    [[undefined, 600], 600],
    [[0, undefined], 100],
    [[0, 0, 0], 100],
    [[300, 400, 300], 400],
  ])("%j is one pause of %i ms", (burst, pause) => {
    const { gate, throttle, remaining } = open();
    for (const asked of burst) throttle.refused(asked);
    expect(remaining()).toBe(pause);
    vi.advanceTimersByTime(pause - 1);
    expect(gate.is).toBe("closed");
    vi.advanceTimersByTime(1);
    expect(gate.is).toBe("probing");
  });
  test("one that comes later makes the pause longer, from its own time on", () => {
    const { gate, throttle } = open();
    throttle.refused(1_000);
    vi.advanceTimersByTime(900);
    throttle.refused(1_000);
    vi.advanceTimersByTime(999);
    expect(gate.is).toBe("closed");
    vi.advanceTimersByTime(1);
    expect(gate.is).toBe("probing");
  });
  test("it counts once for the backoff", () => {
    const { throttle, remaining } = open(1);
    for (let refusal = 0; refusal < 20; refusal += 1) throttle.refused(undefined);
    vi.advanceTimersByTime(1_000);
    throttle.refused(undefined);
    expect(remaining()).toBe(2_000);
  });
});

describe("after a pause", () => {
  test("one goes first, and the rest follow its success", () => {
    const { gate, throttle } = open();
    throttle.refused(1_000);
    vi.advanceTimersByTime(1_000);
    expect(gate.is).toBe("probing");
    throttle.answered(gate.epoch());
    expect(gate.is).toBe("open");
  });
  test("if the first is refused, the next pause begins", () => {
    const { gate, throttle, remaining } = open(1);
    throttle.refused(undefined);
    vi.advanceTimersByTime(1_000);
    throttle.refused(undefined);
    expect([gate.is, remaining()]).toEqual(["closed", 2_000]);
    vi.advanceTimersByTime(2_000);
    expect(gate.is).toBe("probing");
  });
});

describe("answers to what left before a pause", () => {
  test("they do not end the pause, and after it they do not let the rest follow", () => {
    const { gate, throttle } = open();
    const before = gate.epoch();
    throttle.refused(1_000);
    throttle.answered(before);
    expect(gate.is).toBe("closed");
    vi.advanceTimersByTime(1_000);
    throttle.answered(before);
    expect(gate.is).toBe("probing");
  });
  test("they do not make the next backoff short again", () => {
    const { gate, throttle, remaining } = open(1);
    const before = gate.epoch();
    throttle.refused(undefined);
    throttle.answered(before);
    vi.advanceTimersByTime(1_000);
    throttle.answered(before);
    throttle.refused(undefined);
    expect(remaining()).toBe(2_000);
  });
  test("the one that goes first is of the time after it, also if the pause was made longer", () => {
    const { gate, throttle } = open();
    throttle.refused(1_000);
    throttle.refused(2_000);
    vi.advanceTimersByTime(2_000);
    throttle.answered(gate.epoch());
    expect(gate.is).toBe("open");
  });
});

test("a vault that never refuses is never held back", () => {
  const { gate, throttle } = open();
  throttle.answered(gate.epoch());
  expect([gate.is, throttle.pause()]).toEqual(["open", undefined]);
});

test.each([20, -20])("a time of day that is set by %i minutes neither ends a pause nor counts as one", (minutes) => {
  const { gate, throttle } = open();
  throttle.refused(10_000);
  vi.advanceTimersByTime(5_000);
  jump(minutes * MINUTE);
  throttle.refused(4_000);
  throttle.refused(8_000);
  expect(throttle.pausedMs()).toBe(5_000);
  vi.advanceTimersByTime(5_000);
  expect(gate.is).toBe("closed");
  vi.advanceTimersByTime(3_000);
  expect([gate.is, throttle.pausedMs()]).toEqual(["probing", 13_000]);
});
