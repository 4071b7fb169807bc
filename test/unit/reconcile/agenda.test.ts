import { beforeEach, describe, expect, test } from "vitest";
import { createAgenda, DEBOUNCE_MS, PERIOD_MS, type Agenda } from "../../../src/reconcile/agenda.ts";

let now: number;
let agenda: Agenda;

beforeEach(() => {
  now = 0;
  agenda = createAgenda(() => now);
  agenda.hold(["a", "b"]);
  for (const key of agenda.due()) agenda.begin(key);
});

/** Milliseconds until it is due. */
function until(key: string): number {
  const from = now;
  while (!agenda.due().includes(key)) now += 100;
  const waited = now - from;
  now = from;
  return waited;
}

describe("an object is due", () => {
  test("at once when it begins to be held, and each minute", () => {
    agenda.hold(["a", "c"]);
    expect(agenda.due()).toEqual(["a", "c"]);
    agenda.begin("a");
    agenda.begin("c");
    expect(until("a")).toBe(PERIOD_MS);
    expect(agenda.due()).toEqual([]);
  });

  test("two seconds after it was heard of; later words do not delay that", () => {
    agenda.heard("a");
    now += 1_000;
    agenda.heard("a");
    expect(until("a")).toBe(DEBOUNCE_MS - 1_000);
  });

  test("again when it was heard of during a look", () => {
    agenda.begin("a");
    agenda.heard("a");
    expect(until("a")).toBe(DEBOUNCE_MS);
  });

  test("five seconds after a failure", () => {
    agenda.begin("a");
    agenda.failed("a");
    expect(until("a")).toBe(5_000);
  });

  test("after longer and longer pauses where it was restored often, at most 30 s", () => {
    const pauses = Array.from({ length: 8 }, () => {
      agenda.begin("a");
      agenda.heard("a");
      agenda.restored("a");
      const pause = until("a");
      now += pause;
      return pause;
    });
    expect(pauses).toEqual([2_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    agenda.begin("a");
    now += 300_000;
    agenda.heard("a");
    expect(until("a")).toBe(0);
    agenda.begin("a");
    agenda.heard("a");
    expect(until("a")).toBe(DEBOUNCE_MS);
  });
});

test("words about objects that are not held are nobody's", () => {
  agenda.hold(["b"]);
  for (const tell of [agenda.heard, agenda.failed, agenda.restored, agenda.begin]) tell("a");
  expect(agenda.due()).toEqual(["b"]);
});
