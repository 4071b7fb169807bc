import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { phaseOf, volumesToRefresh } from "../../../src/rotation/choice.ts";
import { aKnownVolume } from "../../fakes/volumes.ts";
import type { KnownVolume } from "../../../src/volume/volumes.ts";

const minutes = (count: number): number => count * 60_000;

describe("a pass takes", () => {
  test.each<[string, boolean, Partial<KnownVolume>, number]>([
    ["a volume whose credentials are 14:59 old", true, {}, minutes(15) - 1],
    ["not one whose credentials are 15 minutes old", false, {}, minutes(15)],
    ["not one without credentials", false, { credentials: undefined }, minutes(0)],
    ["one that needs none, however long ago kubelet came", true, { credentials: {} }, minutes(600)],
    ["one that owes its report", true, { report: "owed" }, minutes(1)],
    ["one that somebody else published", true, { report: "unknown", versions: undefined }, minutes(1)],
  ])("%s", (_name, taken, changes, elapsedMs) => {
    const known: KnownVolume = { ...aKnownVolume(), ...changes };
    expect(volumesToRefresh([known], elapsedMs)).toEqual(taken ? [known] : []);
  });
});

describe("a node's phase", () => {
  test("is within the interval, and always the same", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1_000, max: 2 ** 31 }), (name, intervalMs) => {
        const phase = phaseOf("rotation", name, intervalMs);
        expect(phase).toBe(phaseOf("rotation", name, intervalMs));
        expect(phase >= 0 && phase < intervalMs && Number.isInteger(phase)).toBe(true);
      }),
    );
  });

  test("of one task says nothing of that of another: they do not always meet", () => {
    expect(phaseOf("rotation", "node-1", 60_000)).not.toBe(phaseOf("repair", "node-1", 60_000));
  });

  test("spreads nodes that are numbered: of 1000, no tenth of the interval has more than twice its share", () => {
    const tenths = Array.from({ length: 10 }, () => 0);
    for (let node = 0; node < 1_000; node += 1) {
      const tenth = Math.floor(
        phaseOf("rotation", `aks-nodepool1-12345678-vmss${String(node).padStart(6, "0")}`, 120_000) / 12_000,
      );
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    expect(Math.max(...tenths)).toBeLessThan(200);
  });
});
