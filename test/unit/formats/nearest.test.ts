import { expect, test } from "vitest";
import { nearest } from "../../../src/formats/nearest.ts";

test.each([
  ["nodid", ["endpoint", "nodeid", "nodes"], "nodeid"],
  ["x", ["only"], "only"],
  ["x", [], undefined],
])("of %s and %j it was %s that was meant", (word, known, meant) => {
  expect(nearest(word, known)).toBe(meant);
});
