import { describe, expect, test } from "vitest";
import { parseSettings } from "../../bench/simulation/settings.ts";
import { report } from "../../bench/simulation/report.ts";
import { simulate } from "../../bench/simulation/simulate.ts";

describe("a cluster that is played", () => {
  test("asks for each object of each class once per node and pass, reads each class once, and writes nothing", async () => {
    const settings = parseSettings("nodes=2,pods=12,classes=3,objects=4,intervals=2,interval=30s");
    const { rotating, starting, oldestMs } = await simulate(settings);
    expect(rotating.azure).toMatchObject({ vaultRequests: 2 * 3 * 4 * 2, refused: 0, tokenRequests: 0 });
    expect(rotating.kubernetes).toEqual({ reads: 2 * 3 * 2, writes: 0 });
    expect(starting.azure.tokenRequests).toBe(2);
    expect(starting.kubernetes.writes).toBe(12);
    expect(oldestMs).toBeLessThanOrEqual(31_000);
  });

  test("is refused what is beyond the limit, and is served all the same in the end", async () => {
    const settings = parseSettings("nodes=2,pods=4,classes=2,objects=10,intervals=2,interval=60s,limit=10");
    const { rotating, oldestMs } = await simulate(settings);
    expect(rotating.azure.refused).toBeGreaterThan(0);
    expect(oldestMs).toBeLessThan(120_000);
  });
});

test.each([
  ["nodes=0", "--simulate nodes=0 is no whole number from 1"],
  ["nodes", "--simulate nodes= is no whole number from 1"],
  ["pots=3", "--simulate knows no pots"],
  ["interval=2", "--simulate interval=2 is no duration"],
])("%s is refused: %s", (text, problem) => {
  expect(() => parseSettings(text)).toThrow(problem);
});

test("the report says figures by the hour, beside the pair's", () => {
  const azure = { vaultRequests: 100, refused: 5, tokenRequests: 0, peak: 40 };
  const asked = { seconds: 360, azure, kubernetes: { reads: 10, writes: 0 } };
  const text = report(parseSettings("nodes=10,pods=40,classes=1"), {
    starting: asked,
    rotating: asked,
    oldestMs: 90_000,
  });
  expect(text).toMatch(/^vault requests +1,000 +13,200$/m);
  expect(text).toContain("most requests to one vault in 10 s: 40 rotating, 40 while all pods start within 360 s");
});
