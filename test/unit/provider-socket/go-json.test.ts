import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import { parseMode, parseTexts } from "../../../src/provider-socket/go-json.ts";

const messageOf = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    if (error instanceof DriverError && error.reason === "InvalidRequest") return error.message;
  }
  return expect.fail("no InvalidRequest");
};

describe("names and texts", () => {
  test.each([
    ["{}", {}],
    ["null", undefined],
    [' \n{"a":"b"}\t', { a: "b" }],
    ['{"a":null}', { a: "" }],
    ['{"a":"1","a":"2"}', { a: "2" }],
    ['{"":"","a/b":"\\u0041"}', { "": "", "a/b": "A" }],
    ['{"\\u003ca\\u003e":"\\u2028\\u0000"}', { "<a>": "\u2028\0" }],
    ['{"a":"\\ud800","\\udfff":"b"}', { a: "\ufffd", "\ufffd": "b" }],
  ])("%j is read as Go reads it", (json, texts) => {
    expect(parseTexts(json)).toEqual(texts);
  });

  test("a name that is JavaScript's own is a name like any other", () => {
    const texts = parseTexts('{"__proto__":"a","constructor":"b"}') ?? {};
    expect(Object.entries(texts)).toEqual([
      ["__proto__", "a"],
      ["constructor", "b"],
    ]);
    expect(Object.getPrototypeOf(texts)).toBe(Object.prototype);
  });

  test.each([
    ["", "unexpected end of JSON input"],
    [" \n", "unexpected end of JSON input"],
    ['{"a":1}', "json: cannot unmarshal number into Go value of type string"],
    ['{"a":true}', "json: cannot unmarshal bool into Go value of type string"],
    ['{"a":["hunter2"]}', "json: cannot unmarshal array into Go value of type string"],
    ['{"a":{"b":"hunter2"}}', "json: cannot unmarshal object into Go value of type string"],
    ["[]", "json: cannot unmarshal array into Go value of type map[string]string"],
    ['"hunter2"', "json: cannot unmarshal string into Go value of type map[string]string"],
    ["420", "json: cannot unmarshal number into Go value of type map[string]string"],
    ['{"a":"hunter2"', "it is no JSON"],
    ['{"a":"hunter2"}}', "it is no JSON"],
    ["{'a':'hunter2'}", "it is no JSON"],
    ["\ufeff{}", "it is no JSON"],
    ["hunter2", "it is no JSON"],
  ])("%j is refused, and nothing of it is told", (json, message) => {
    expect(messageOf(() => parseTexts(json))).toBe(message);
  });

  test("what is no JSON is never quoted", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[g-z]{8,20}$/), (secret) => {
        expect(messageOf(() => parseTexts(`{"a":"${secret}"} ${secret}`))).not.toContain(secret);
      }),
    );
  });

  test("whatever texts are written are read", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" })), (texts) => {
        expect(Object.entries(parseTexts(JSON.stringify(texts)) ?? {})).toEqual(Object.entries(texts));
      }),
    );
  });
});

describe("permission bits", () => {
  test.each([
    ["420", 0o644],
    [" 420\n", 0o644],
    ["0", 0],
    ["511", 0o777],
    ["null", 0],
  ])("%j is %i", (json, mode) => {
    expect(parseMode(json)).toBe(mode);
  });

  test.each([
    ["", "unexpected end of JSON input"],
    ['"420"', "json: cannot unmarshal string into Go value of type fs.FileMode"],
    ["true", "json: cannot unmarshal bool into Go value of type fs.FileMode"],
    ["[420]", "json: cannot unmarshal array into Go value of type fs.FileMode"],
    ["0644", "it is no JSON"],
    ["420.0", "it must be a whole number from 0 to 511 (0777 octal)"],
    ["1e2", "it must be a whole number from 0 to 511 (0777 octal)"],
    ["-1", "it must be a whole number from 0 to 511 (0777 octal)"],
    ["-0", "it must be a whole number from 0 to 511 (0777 octal)"],
    ["512", "it must be a whole number from 0 to 511 (0777 octal)"],
    ["4294967296", "it must be a whole number from 0 to 511 (0777 octal)"],
  ])("%j are refused", (json, message) => {
    expect(messageOf(() => parseMode(json))).toBe(message);
  });
});
