import { expect, test } from "vitest";
import { backoff, pauseMs } from "../../../src/schedule/backoff.ts";

test.each([
  [1, 0, 0],
  [1, 1, 40],
  [3, 1, 160],
  [3, 0.5, 80],
  [9, 1, 2_000],
  [5_000, 1, 2_000],
])("before try %i, where %d is drawn, is a pause of %i ms", (tries, drawn, ms) => {
  expect(pauseMs(tries, drawn)).toBe(ms);
});

test("a pause ends with whoever waits", async () => {
  await backoff(5_000, AbortSignal.abort());
});
