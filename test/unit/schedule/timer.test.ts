import { once } from "node:events";
import { expect, test, vi } from "vitest";
import { createTimerSchedule } from "../../../src/schedule/timer.ts";
import { createFakeLog } from "../../fakes/log.ts";

test("a task runs again and again until it is stopped", async () => {
  let runs = 0;
  const repeated = createTimerSchedule(createFakeLog()).every(1, () => {
    runs += 1;
    return Promise.resolve();
  });
  await expect.poll(() => runs, { interval: 2 }).toBeGreaterThan(2);
  await repeated.stop();
  const atStop = runs;
  await new Promise((resolve) => setImmediate(resolve));
  expect(runs).toBe(atStop);
});

test("a task does not run before its first period is over, and a stop does not wait for it", async () => {
  let runs = 0;
  const repeated = createTimerSchedule(createFakeLog()).every(3_600_000, () => {
    runs += 1;
    return Promise.resolve();
  });
  await repeated.stop();
  expect(runs).toBe(0);
});

test("a task with a phase runs when the time of day comes to it", async () => {
  const times: number[] = [];
  const repeated = createTimerSchedule(createFakeLog()).every(
    100,
    () => {
      times.push(Date.now());
      return Promise.resolve();
    },
    40,
  );
  await expect.poll(() => times.length, { interval: 2 }).toBeGreaterThan(2);
  await repeated.stop();
  // Each in a period of its own, and none before the phase but for what a timer may be early.
  const periods = times.map((time) => Math.floor((time - 40 + 5) / 100));
  expect(new Set(periods).size).toBe(times.length);
});

test("a run never overlaps the one before", async () => {
  const gate = Promise.withResolvers<undefined>();
  let started = 0;
  const repeated = createTimerSchedule(createFakeLog()).every(1, async () => {
    started += 1;
    await gate.promise;
  });
  const other = countTo(20);
  await other;
  expect(started).toBe(1);
  gate.resolve(undefined);
  await expect.poll(() => started, { interval: 2 }).toBeGreaterThan(1);
  await repeated.stop();
});

test("a stop aborts the run under way and waits for its end", async () => {
  const started = Promise.withResolvers<undefined>();
  let ended = false;
  const repeated = createTimerSchedule(createFakeLog()).every(1, async (signal) => {
    started.resolve(undefined);
    await once(signal, "abort");
    await Promise.resolve();
    ended = true;
  });
  await started.promise;
  await repeated.stop();
  expect(ended).toBe(true);
});

test.each([
  [new TypeError("hunter2"), "TypeError"],
  ["hunter2", "unknown"],
])("a task that fails is run again, and the log names the kind of failure alone", async (failure, told) => {
  const log = createFakeLog();
  const repeated = createTimerSchedule(log).every(1, vi.fn<() => Promise<void>>().mockRejectedValue(failure));
  await expect.poll(() => log.lines.length, { interval: 2 }).toBeGreaterThan(1);
  await repeated.stop();
  expect(new Set(log.lines)).toEqual(new Set([`ERROR a scheduled task failed {"err":"${told}"}`]));
});

/** Resolves when another schedule of the same period has run so often. */
async function countTo(count: number): Promise<void> {
  let runs = 0;
  const counter = createTimerSchedule(createFakeLog()).every(1, () => {
    runs += 1;
    return Promise.resolve();
  });
  await expect.poll(() => runs, { interval: 2 }).toBeGreaterThanOrEqual(count);
  await counter.stop();
}
