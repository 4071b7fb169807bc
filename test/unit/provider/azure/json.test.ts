import { describe, expect, test } from "vitest";
import { isJsonObject, memberOf, parseJson, textAt } from "../../../../src/provider/azure/json.ts";

describe("reading JSON that nobody vouches for", () => {
  test("text is found at its path, and nowhere else", () => {
    const value = { a: { b: "c", n: 1 }, list: ["x"] };
    expect(textAt(value, "a", "b")).toBe("c");
    for (const path of [["a"], ["a", "n"], ["a", "x"], ["a", "b", "length"], ["list", "0"], ["constructor", "name"]]) {
      expect(textAt(value, ...path)).toBeUndefined();
    }
  });
  test("members are own members of objects", () => {
    expect(memberOf({ a: 1 }, "a")).toBe(1);
    for (const value of [null, undefined, "a", ["a"], {}]) expect(memberOf(value, "toString")).toBeUndefined();
    expect([isJsonObject({}), isJsonObject([]), isJsonObject(null)]).toEqual([true, false, false]);
  });
  test("what is no JSON is undefined", () => {
    expect(parseJson('{"a":1}')).toEqual({ a: 1 });
    expect(parseJson("{hunter2")).toBeUndefined();
  });
});
