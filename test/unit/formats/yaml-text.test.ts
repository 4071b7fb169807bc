import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import { parseYaml, type YamlNode } from "../../../src/formats/yaml-text.ts";

/** The tree without lines, as plain values; null and text can be told apart. */
function plainOf(node: YamlNode): unknown {
  if (node.kind === "null") return null;
  if (node.kind === "text") return node.text;
  if (node.kind === "sequence") return node.items.map(plainOf);
  return Object.fromEntries([...node.entries].map(([key, value]) => [key, plainOf(value)]));
}

const read = (text: string): unknown => plainOf(parseYaml(text));

describe("parseYaml()", () => {
  test.each([
    "0755",
    "0o755",
    "1e10",
    "0123456789",
    "123",
    "true",
    "yes",
    "2020-01-01",
    ".inf",
    "1_000",
    "0x1F",
    "5.0",
  ])("the scalar %s stays as it is written", (scalar) => {
    expect(read(`a: ${scalar}`)).toEqual({ a: scalar });
  });
  test.each(["", "~", "null", "Null", "NULL"])("the plain scalar %j is null", (scalar) => {
    expect(read(`a: ${scalar}`)).toEqual({ a: null });
  });
  test.each(['"~"', "'null'", '""', "!!str ~", "|-\n  null"])("%j is text, not null", (scalar) => {
    expect(read(`a: ${scalar}`)).not.toEqual({ a: null });
  });
  test("any quoted text survives", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(read(`a: ${JSON.stringify(text)}`)).toEqual({ a: text });
      }),
    );
  });
  test("any plain word survives", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9._+][A-Za-z0-9._+-]{0,20}$/), (word) => {
        fc.pre(!/^(null|Null|NULL)$/.test(word));
        expect(read(`a: ${word}`)).toEqual({ a: word });
      }),
    );
  });
  test("whether a scalar was plain is told", () => {
    const node = parseYaml("[5, '5', !!int 5, !!int '5', !!float \"5\", !!str 5, !mine 5]");
    const items = node.kind === "sequence" ? node.items.map((item) => item.kind === "text" && item.plain) : [];
    expect(items).toEqual([true, false, true, true, true, false, false]);
  });
  test("binary is decoded, strictly", () => {
    expect(read("a: !!binary aGVs\nb: !!binary |\n  aGVs\n  bG8=\n")).toEqual({ a: "hel", b: "hello" });
    expect(() => read("a: !!binary aGV")).toThrow("yaml: line 1: !!binary value contains invalid base64 data");
  });
  test("an explicit null is null", () => {
    expect(read("a: !!null ''")).toEqual({ a: null });
  });
  test("tags of others do not matter", () => {
    expect(read("a: !mine x\nb: !!set {y}")).toEqual({ a: "x", b: { y: null } });
  });
  test("only the first document counts, whatever follows", () => {
    expect(read("a: 1\n---\n{")).toEqual({ a: "1" });
  });
  test.each(["", "# nothing", "---\n"])("%j holds null", (text) => {
    expect(read(text)).toBeNull();
  });
  test("flow style is read", () => {
    expect(read("{a: [b, c], d: {e: f}, g}")).toEqual({ a: ["b", "c"], d: { e: "f" }, g: null });
  });
});

describe("anchors, aliases and merge keys", () => {
  test("an alias is the last anchor of its name before it", () => {
    expect(read("a: &x 1\nb: *x\nc: &x 2\nd: *x")).toEqual({ a: "1", b: "1", c: "2", d: "2" });
  });
  test("a merged key yields to one that is written, and to one merged before it", () => {
    const text = "- &a {k: 1, m: 1}\n- &b {m: 2, n: 2}\n- {<<: [*a, *b], k: 3}\n- {k: 4, <<: *a}";
    expect(read(text)).toMatchObject({ 2: { k: "3", m: "1", n: "2" }, 3: { k: "4", m: "1" } });
  });
  test("a quoted << is a key like any other", () => {
    expect(read("'<<': 1")).toEqual({ "<<": "1" });
  });
  test.each([
    ["an unknown anchor", "a: *b", "yaml: line 1: unknown anchor 'b' referenced"],
    ["a later anchor", "a: *b\nb: &b 1", "yaml: line 1: unknown anchor 'b' referenced"],
    ["an anchor that holds itself", "a: &a\n  - *a", "yaml: line 2: anchor 'a' value contains itself"],
    ["a merge of text", "<<: 1", "yaml: line 1: map merge requires map or sequence of maps as the value"],
    ["a merge of lists in lists", "- &a {k: 1}\n- {<<: [[*a]]}", "yaml: line 2: map merge requires map"],
  ])("%s is refused", (_, text, message) => {
    expect(() => read(text)).toThrow(message);
  });
  test("aliases are counted", () => {
    const text = (count: number): string => `- &a 1\n${"- *a\n".repeat(count)}`;
    expect(read(text(100))).toHaveLength(101);
    expect(() => read(text(101))).toThrow("yaml: line 102: more than 100 aliases");
  });
  test("merged keys are counted", () => {
    const keys = Array.from({ length: 1_000 }, (_, n) => `k${n}: 1`).join(", ");
    const text = (count: number): string => `- &a {${keys}}\n${"- {<<: *a}\n".repeat(count)}`;
    expect(read(text(10))).toHaveLength(11);
    expect(() => read(text(11))).toThrow("yaml: line 12: more than 10000 merged keys");
  });
  test("aliases of aliases do not multiply", () => {
    const levels = Array.from({ length: 49 }, (_, i) => `- &l${i + 1} [*l${i}, *l${i}]`);
    expect(parseYaml(["- &l0 [x]", ...levels].join("\n")).kind).toBe("sequence");
  });
});

describe("flaws", () => {
  test.each([
    ["a duplicate key", "a: 1\nb: 2\na: 3", 'yaml: line 3: mapping key "a" already defined'],
    ["a duplicate key in another spelling", "a: 1\n'a': 2", 'yaml: line 2: mapping key "a" already defined'],
    ["a key that is a list", "? [a]\n: 1", "yaml: line 1: a key must be a scalar"],
    ["a mapping in one line", "a: b: c", "yaml: line 1: Nested mappings are not allowed"],
    ["an open list", "a: [1", "yaml: line 1: "],
    ["nesting without end", "[".repeat(50_000), "yaml: "],
  ])("%s is refused in one line", (_, text, message) => {
    expect(() => read(text)).toThrow(DriverError);
    expect(() => read(text)).toThrow(message);
    expect(() => read(text)).not.toThrow("\n");
  });
  test("any text is read or refused, in one short line", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[-a:[\]{}&*!|>'"#%@ \n\t?~<,0-9]{0,30}$/)), (text) => {
        try {
          parseYaml(text);
        } catch (error) {
          expect(error).toBeInstanceOf(DriverError);
          expect(String(error)).toMatch(/^.{1,200}$/);
        }
      }),
    );
  });
});
