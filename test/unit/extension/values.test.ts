import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parsePath } from "../../../src/extension/setting-path.ts";
import { settingsIn, valueAt, withoutValue, withValue } from "../../../src/extension/values.ts";
import type { ChartValues } from "../../../src/model.ts";

/** Trees without empty maps, which nobody can tell from nothing. */
const values: fc.Arbitrary<ChartValues> = fc.letrec<{ map: ChartValues; value: unknown }>((tie) => ({
  map: fc.dictionary(fc.string({ minLength: 1 }), tie("value"), { minKeys: 1, maxKeys: 4 }),
  value: fc.oneof({ maxDepth: 4 }, fc.string(), tie("map")),
})).map;

function set(all: ChartValues, [name, value]: readonly [string, unknown]): ChartValues {
  return withValue(all, parsePath(name) ?? [], value);
}

test("what is told of values makes the same values again", () => {
  fc.assert(
    fc.property(values, (tree) => {
      expect(settingsIn(tree).reduce(set, {})).toEqual(tree);
    }),
  );
});

describe("a value in its place", () => {
  test("leaves what stands beside it, and the tree it was made of", () => {
    const before = { a: { b: 1, c: 2 }, d: 3 };
    expect(withValue(before, ["a", "b"], 9)).toEqual({ a: { b: 9, c: 2 }, d: 3 });
    expect(before.a.b).toBe(1);
  });

  test.each<[string, ChartValues, ChartValues]>([
    ["a[0]", {}, { a: ["x"] }],
    ["a[2].b", { a: [1] }, { a: [1, null, { b: "x" }] }],
    ["a.b", { a: "text" }, { a: { b: "x" } }],
    ["a[0]", { a: { b: 1 } }, { a: ["x"] }],
  ])("%s in %j", (name, before, after) => {
    expect(set(before, [name, "x"])).toEqual(after);
  });

  test("is found there", () => {
    fc.assert(
      fc.property(values, (tree) => {
        for (const [name, text] of settingsIn(tree)) expect(valueAt(tree, parsePath(name) ?? [])).toBe(text);
      }),
    );
    expect(valueAt({ a: [] }, ["a", "b"])).toBeUndefined();
    expect(valueAt({}, ["constructor"])).toBeUndefined();
  });

  test("goes with the maps that are empty then", () => {
    expect(withoutValue({ a: { b: { c: 1 } }, d: 1 }, ["a", "b", "c"])).toEqual({ d: 1 });
    expect(withoutValue({ a: { b: 1, c: 2 } }, ["a", "b"])).toEqual({ a: { c: 2 } });
    expect(withoutValue({ a: "text" }, ["a", "b"])).toEqual({ a: "text" });
    expect(withoutValue({ a: 1 }, ["b"])).toEqual({ a: 1 });
  });
});
