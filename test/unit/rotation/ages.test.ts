import { expect, test } from "vitest";
import { agesOf } from "../../../src/rotation/ages.ts";
import { aKnownVolume, aVolume } from "../../fakes/volumes.ts";

const volume = (className: string, freshAt: number, changes = {}) =>
  aKnownVolume({ volume: { ...aVolume, className }, freshAt: new Date(freshAt), ...changes });

test("the volume that waits longest, of each class the one that does, how many owe something and how many fail are told", () => {
  const known = [
    volume("a", 5, { report: "owed" }),
    volume("a", 9, { failing: true }),
    volume("a", 7, { secretsOwed: true, report: "owed" }),
    volume("b", 3, { secretsOwed: true }),
  ];
  expect(agesOf(known, { rotates: true })).toEqual({
    oldest: new Date(3),
    classes: [
      { ref: { namespace: "shop", name: "a" }, freshAt: new Date(5) },
      { ref: { namespace: "shop", name: "b" }, freshAt: new Date(3) },
    ],
    owing: 3,
    failing: 1,
  });
});

test.each([
  ["of which nothing was fetched since the start", [volume("a", 5, { versions: undefined })], []],
  ["that was fetched", [volume("a", 5)], [5]],
  ["that was fetched, though it gives no files", [volume("a", 5, { versions: [] })], [5]],
  ["of which another volume was taken over", [volume("a", 7), volume("a", 5, { versions: undefined })], [5]],
  ["the same, known in the other order", [volume("a", 5, { versions: undefined }), volume("a", 7)], [5]],
])("a class %s", (_name, known, told) => {
  expect(agesOf(known, { rotates: true }).classes.map(({ freshAt }) => freshAt.getTime())).toEqual(told);
});

test("without rotation no volume waits, and none fails", () => {
  const known = [volume("a", 5, { failing: true })];
  expect(agesOf(known, { rotates: false })).toMatchObject({ oldest: undefined, failing: 0 });
});

test("without volumes there is nothing to tell", () => {
  expect(agesOf([], { rotates: true })).toEqual({ oldest: undefined, classes: [], owing: 0, failing: 0 });
});

test("no more than 200 classes are told: their names are labels", () => {
  const known = Array.from({ length: 201 }, (_, index) => volume(`class-${index}`, index));
  expect(agesOf(known, { rotates: true }).classes).toHaveLength(200);
});
