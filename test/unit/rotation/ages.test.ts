import { expect, test } from "vitest";
import { agesOf } from "../../../src/rotation/ages.ts";
import { aKnownVolume, aVolume } from "../../fakes/volumes.ts";

const volume = (className: string, freshAt: number, changes = {}) =>
  aKnownVolume({ volume: { ...aVolume, className }, freshAt: new Date(freshAt), ...changes });

test("the volume that waits longest, the latest of each class, how many owe something and how many fail are told", () => {
  const known = [
    volume("a", 5, { report: "owed" }),
    volume("a", 9, { failing: true }),
    volume("a", 7, { secretsOwed: true, report: "owed" }),
    volume("b", 3, { secretsOwed: true }),
  ];
  expect(agesOf(known, { rotates: true })).toEqual({
    oldest: new Date(3),
    classes: [
      { ref: { namespace: "shop", name: "a" }, freshAt: new Date(9) },
      { ref: { namespace: "shop", name: "b" }, freshAt: new Date(3) },
    ],
    owing: 3,
    failing: 1,
  });
});

test("without rotation no volume waits", () => {
  expect(agesOf([volume("a", 5)], { rotates: false }).oldest).toBeUndefined();
});

test("without volumes there is nothing to tell", () => {
  expect(agesOf([], { rotates: true })).toEqual({ oldest: undefined, classes: [], owing: 0, failing: 0 });
});

test("no more than 200 classes are told: their names are labels", () => {
  const known = Array.from({ length: 201 }, (_, index) => volume(`class-${index}`, index));
  expect(agesOf(known, { rotates: true }).classes).toHaveLength(200);
});
