import { expect, test } from "vitest";
import { percentile } from "../../bench/percentile.ts";

const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);

test.each([
  [hundred, 50, 50],
  [hundred, 95, 95],
  [hundred, 99, 99],
  [hundred, 100, 100],
  [[3, 1, 2], 50, 2],
  [[1, 2], 50, 1],
  [[10, 9], 95, 10],
  [[7], 99, 7],
])("of %j %i percent do not exceed the percentile", (samples, percent, expected) => {
  expect(percentile(samples, percent)).toBe(expected);
});

test("nothing has no percentile", () => {
  expect(percentile([], 50)).toBeNaN();
});
