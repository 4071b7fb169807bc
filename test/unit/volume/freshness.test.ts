import { expect, test } from "vitest";
import { forMount, forPass, forRepair } from "../../../src/volume/freshness.ts";
import { noSignal } from "../../fakes/volumes.ts";

const now = new Date("2026-01-01T00:00:10.000Z");
const clock = (): Date => now;

test("a mount takes what left in the last two seconds, and needs the last second before its deadline itself", () => {
  expect(forMount(clock, { signal: noSignal, deadline: new Date("2026-01-01T00:02:10.000Z") })).toEqual({
    notOlderThan: new Date("2026-01-01T00:00:08.000Z"),
    priority: "mount",
    deadline: new Date("2026-01-01T00:02:09.000Z"),
  });
});

test("a mount without a deadline waits for ever", () => {
  expect(forMount(clock, { signal: noSignal }).deadline).toBeUndefined();
});

test("for a repair nobody waits", () => {
  expect(forRepair(clock)).toEqual({ notOlderThan: new Date("2026-01-01T00:00:08.000Z"), priority: "rotation" });
});

test("a pass takes what left since it began, and is told at once of what will not come before the next", () => {
  expect(forPass(now, 120_000)).toEqual({
    notOlderThan: now,
    priority: "rotation",
    deadline: new Date("2026-01-01T00:02:10.000Z"),
  });
});
