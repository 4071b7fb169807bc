import fc from "fast-check";
import { expect, test } from "vitest";
import { parsePath, printPath, type Step } from "../../../src/extension/setting-path.ts";

test.each<[string, readonly Step[] | undefined]>([
  ["a", ["a"]],
  ["syncSecret.enabled", ["syncSecret", "enabled"]],
  ["linux.env[0].name", ["linux", "env", 0, "name"]],
  ["a[1][2]", ["a", 1, 2]],
  [String.raw`labels.example\.com/team`, ["labels", "example.com/team"]],
  ["", undefined],
  [".a", undefined],
  ["a.", undefined],
  ["a..b", undefined],
  ["a[]", undefined],
  ["a[x]", undefined],
  ["a[0]b", undefined],
  ["a[123456]", undefined],
])("%s is the place %j", (text, steps) => {
  expect(parsePath(text)).toEqual(steps);
});

test("what is printed is read as the same place", () => {
  const name = fc.string({ minLength: 1 });
  const path = fc.tuple(name, fc.array(fc.oneof(name, fc.nat(99_999)))).map(([first, rest]) => [first, ...rest]);
  fc.assert(
    fc.property(path, (steps) => {
      expect(parsePath(printPath(steps))).toEqual(steps);
    }),
  );
});
