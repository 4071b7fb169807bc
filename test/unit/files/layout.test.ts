import fc from "fast-check";
import { expect, test } from "vitest";
import { isInternal, versionName, versionTime, visibleTarget } from "../../../src/files/layout.ts";

test("a version is named after the UTC time, with a random number", () => {
  expect(versionName(new Date("2026-01-02T15:04:05.678Z"), 1234567890)).toBe("..2026_01_02_15_04_05.1234567890");
});

test("a version's name is always one component that belongs to the writer", () => {
  const date = fc.date({ min: new Date(0), max: new Date("9999-12-31T00:00:00Z"), noInvalidDate: true });
  fc.assert(
    fc.property(date, fc.nat(), (at, random) => {
      const name = versionName(at, random);
      expect(name).toMatch(/^\.\.\d{4}(_\d\d){5}\.\d+$/);
      expect(isInternal(name)).toBe(true);
    }),
  );
});

test("a version's name tells when it was made, to the second", () => {
  const date = fc.date({ min: new Date(0), max: new Date("9999-12-31T00:00:00Z"), noInvalidDate: true });
  fc.assert(
    fc.property(date, fc.nat(), (at, random) => {
      expect(versionTime(versionName(at, random))).toEqual(new Date(Math.floor(at.getTime() / 1_000) * 1_000));
    }),
  );
});

test.each(["", "..data", "..v", "..2026_13_01_00_00_00.1", "..2026_01_02_15_04_05", "2026_01_02_15_04_05.1"])(
  "the name '%s' tells no time",
  (name) => {
    expect(versionTime(name)).toBeUndefined();
  },
);

test("visible links are relative and go through the data link", () => {
  expect(visibleTarget("d")).toBe("..data/d");
});
