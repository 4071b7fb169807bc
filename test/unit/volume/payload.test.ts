import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import type { VolumeFile } from "../../../src/model.ts";
import { defaultMaxContentBytes, maxFiles, parsePayload } from "../../../src/volume/payload.ts";

function file(path: string, contents = "x", mode = 0o644): VolumeFile {
  return { path, mode, contents: Buffer.from(contents) };
}

function refusalOf(work: () => unknown): DriverError {
  try {
    work();
  } catch (error) {
    if (error instanceof DriverError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("a path is refused when it", () => {
  test.each([
    ["is empty", "", "is empty"],
    ["is absolute", "/etc/passwd", "is absolute"],
    ["is one byte too long", `${"a/".repeat(2048)}a`, "4096 bytes"],
    ["is too long in bytes and not in characters", Array(17).fill("ü".repeat(127)).join("/"), "4096 bytes"],
    ["climbs out", "a/../../b", '".."'],
    ["is the parent", "..", '".."'],
    ["has a component one byte too long", `a/${"b".repeat(256)}`, "255 bytes"],
    ["has a component too long in bytes", "ü".repeat(128), "255 bytes"],
    ["begins with two dots", "..data", 'begins with ".."'],
    ["begins with three dots", "...x/y", 'begins with ".."'],
    ["has a dot component", "a/./b", "clean form"],
    ["begins with a dot component", "./a", "clean form"],
    ["is a dot", ".", "clean form"],
    ["has an empty component", "a//b", "clean form"],
    ["ends in a slash", "a/", "clean form"],
    ["contains a NUL", "a\0b", "NUL"],
    ["has one component too many", Array(101).fill("a").join("/"), "100 components"],
    ["has a lone surrogate", "a\ud800b", "Unicode"],
  ])("it %s", (_, path, complaint) => {
    const error = refusalOf(() => parsePayload([file("good"), file(path)]));
    expect(error.reason).toBe("InvalidRequest");
    expect(error.message).toContain(complaint);
  });
});

test.each([
  ["a hidden file", ".name"],
  ["two dots in the middle", "a..b"],
  ["two dots at the beginning of a later component", "a/..b"],
  ["a backslash", "a\\b"],
  ["a component of 255 bytes", "a".repeat(255)],
  ["a path of 4096 bytes", `${"a".repeat(240)}/`.repeat(16) + "b".repeat(240)],
  ["a path of 100 components", Array(100).fill("a").join("/")],
  ["a character outside the basic plane", "🔑/x"],
  ["a line break", "a\nb"],
])("%s is an ordinary name", (_, path) => {
  expect(parsePayload([file(path)]).map((each) => each.path)).toEqual([path]);
});

test.each([0, 0o400, 0o644, 0o777])("mode %i is legal and kept", (mode) => {
  expect(parsePayload([file("a", "x", mode)])[0]?.mode).toBe(mode);
});

test.each([-1, 0o1000, 0o4755, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("mode %d is refused", (mode) => {
  const error = refusalOf(() => parsePayload([file("a", "x", mode)]));
  expect(error).toMatchObject({ reason: "InvalidRequest" });
  expect(error.message).toContain('"a"');
});

test("the later of two files with one path counts", () => {
  const payload = parsePayload([file("a", "first"), file("b"), file("a", "second", 0o600)]);
  expect(payload).toEqual([file("a", "second", 0o600), file("b")]);
});

test.each([[["a", "a/b"]], [["a/b/c/d", "a/b"]], [["a", "a.b", "a-b", "a b", "a/b"]], [["a/b", "a/b!", "a/b/c"]]])(
  "%j is refused: one path cannot be file and directory",
  (paths) => {
    expect(refusalOf(() => parsePayload(paths.map((path) => file(path)))).message).toContain(
      "cannot be a file and the directory",
    );
  },
);

test("names that only begin alike are no conflict", () => {
  expect(parsePayload(["a", "ab", "a.b", "a-b/c", "ab.c"].map((path) => file(path)))).toHaveLength(5);
});

describe("limits", () => {
  test("contents up to the limit are taken, and one byte more is refused with the flag that raises it", () => {
    const half = Buffer.alloc(defaultMaxContentBytes / 2);
    const full = [
      { path: "a", mode: 0o644, contents: half },
      { path: "b", mode: 0o644, contents: half },
    ];
    expect(parsePayload(full)).toHaveLength(2);
    const error = refusalOf(() => parsePayload([...full, file("c", "x")]));
    expect(error.reason).toBe("InvalidRequest");
    expect(error.message).toContain(String(defaultMaxContentBytes));
    expect(error.message).toContain("name fewer objects");
  });

  test("another limit can be given", () => {
    expect(refusalOf(() => parsePayload([file("a", "12345")], 4)).message).toContain("limit of 4");
  });

  test("what a later duplicate replaces does not count", () => {
    expect(parsePayload([file("a", "12345"), file("a", "1234")], 4)).toHaveLength(1);
  });

  test("as many files as the limit are taken, and one more is refused", () => {
    const files = Array.from({ length: maxFiles }, (_, index) => file(`f${index}`));
    expect(parsePayload(files)).toHaveLength(maxFiles);
    expect(refusalOf(() => parsePayload([...files, file("one more")])).message).toContain(`limit of ${maxFiles}`);
  });
});

test("a refusal never quotes contents", () => {
  const secret = "do-not-tell";
  const wrong = [
    [file("../x", secret)],
    [file("a", secret, -1)],
    [file("a", secret), file("a/b", secret)],
    [file("a", secret.repeat(2))],
  ];
  for (const files of wrong) expect(refusalOf(() => parsePayload(files, 12)).message).not.toContain(secret);
});

test("a long path is told in a short message", () => {
  expect(refusalOf(() => parsePayload([file("a/".repeat(1_000_000))])).message.length).toBeLessThan(600);
});

const component = fc.string({ unit: fc.constantFrom("a", "b", ".", "-", "ü"), minLength: 1, maxLength: 4 });
const path = fc.array(component, { minLength: 1, maxLength: 4 }).map((components) => components.join("/"));

test("whatever is accepted stays inside the volume, is clean, sorted, distinct and free of conflicts", () => {
  fc.assert(
    fc.property(fc.array(path, { maxLength: 12 }), (paths) => {
      let accepted: readonly string[];
      try {
        accepted = parsePayload(paths.map((each) => file(each))).map((each) => each.path);
      } catch (error) {
        expect(error).toBeInstanceOf(DriverError);
        return;
      }
      expect(new Set(accepted)).toEqual(new Set(paths));
      expect(accepted).toHaveLength(new Set(paths).size);
      for (const each of accepted) {
        expect(new URL(`http://host/${encodeURI(each)}`).pathname).toBe(`/${encodeURI(each)}`);
        expect(accepted.some((other) => other.startsWith(`${each}/`))).toBe(false);
      }
    }),
  );
});

test("the order in which a provider gives its files does not matter", () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(["a", "a.b/c", "b/c/d", "b/c/e", "b/f", "ü/g", "é"], { minLength: 7 }), (paths) => {
      const sorted = parsePayload([...paths].sort().map((each) => file(each)));
      expect(parsePayload(paths.map((each) => file(each)))).toEqual(sorted);
    }),
  );
});
