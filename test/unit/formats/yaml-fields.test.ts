import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { entriesOf, int32Of, itemsOf, textOf } from "../../../src/formats/yaml-fields.ts";
import { parseYaml } from "../../../src/formats/yaml-text.ts";

describe("int32Of()", () => {
  test.each([
    ["5", 5],
    ["-5", -5],
    ["+5", 5],
    ["0x10", 16],
    ["0b11", 3],
    ["010", 8],
    ["0o10", 8],
    ["-010", -8],
    ["0800", 800], // no octal number, hence a decimal one
    ["1_000", 1000],
    ["5.0", 5],
    ["5.5", 5],
    ["-5.5", -5],
    ["1e3", 1000],
    ["2147483647", 2_147_483_647],
    ["~", 0],
    ["", 0],
  ])("%s is %i", (text, value) => {
    expect(int32Of(parseYaml(text))).toBe(value);
  });
  test.each([
    '"5"',
    "''",
    "five",
    "true",
    ".inf",
    ".nan",
    "2147483648",
    "-2147483649",
    "1.2.3",
    "0x",
    "2020-01-01",
    "+",
  ])("%s is no int32", (text) => {
    expect(() => int32Of(parseYaml(text))).toThrow("yaml: unmarshal errors: line 1: cannot unmarshal !!str into int32");
  });
  test("absent is 0", () => {
    expect(int32Of(undefined)).toBe(0);
  });
  test("every int32 is read back", () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        expect(int32Of(parseYaml(String(value)))).toBe(value);
      }),
    );
  });
});

describe("fields of other kinds", () => {
  test("null and absent are empty", () => {
    const nothing = parseYaml("");
    expect([textOf(nothing), itemsOf(nothing), [...entriesOf(nothing)]]).toEqual(["", [], []]);
    expect([textOf(undefined), itemsOf(undefined)]).toEqual(["", []]);
  });
  test.each([
    ["a list as text", () => textOf(parseYaml("[a]")), "cannot unmarshal !!seq into string"],
    ["a mapping as text", () => textOf(parseYaml("{a: b}")), "cannot unmarshal !!map into string"],
    ["text as a list", () => itemsOf(parseYaml("a")), "cannot unmarshal !!str into []string"],
    ["text as a structure", () => entriesOf(parseYaml("a")), "cannot unmarshal !!str into struct"],
    ["a list as a structure", () => entriesOf(parseYaml("- a")), "cannot unmarshal !!seq into struct"],
    ["a list as a number", () => int32Of(parseYaml("[5]")), "cannot unmarshal !!seq into int32"],
  ])("%s is refused", (_, step, message) => {
    expect(step).toThrow(`yaml: unmarshal errors: line 1: ${message}`);
  });
});
