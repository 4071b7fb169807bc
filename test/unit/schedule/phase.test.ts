import fc from "fast-check";
import { expect, test } from "vitest";
import { pauseUntilPhase } from "../../../src/schedule/phase.ts";

test.each([
  ["until later in this period", 1_000, 3_000],
  ["until the next period", 5_000, 9_000],
  ["a whole period when it is now", 4_000, 10_000],
  ["a whole period when the timer fired a little early", 3_990, 10_010],
])("the pause is %s", (_name, nowMs, pauseMs) => {
  expect(pauseUntilPhase(nowMs, 10_000, 4_000)).toBe(pauseMs);
});

test("whenever it is asked, the pause ends at the phase, is never nothing, and never longer than a period and a moment", () => {
  fc.assert(
    fc.property(fc.nat(2 ** 42), fc.integer({ min: 1_000, max: 2 ** 31 }), fc.nat(), (nowMs, periodMs, at) => {
      const phaseMs = at % periodMs;
      const pauseMs = pauseUntilPhase(nowMs, periodMs, phaseMs);
      expect((nowMs + pauseMs) % periodMs).toBe(phaseMs);
      expect(pauseMs).toBeGreaterThan(50);
      expect(pauseMs).toBeLessThanOrEqual(periodMs + 50);
    }),
  );
});
