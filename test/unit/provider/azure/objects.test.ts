import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseObjects } from "../../../../src/provider/azure/objects.ts";

/** The `objects` text of items as users write them, each a block string. */
function array(...items: string[]): string {
  return `array:\n${items.map((item) => `  - |\n${item.replaceAll(/^/gm, "    ")}`).join("\n")}`;
}

const secret1 = "objectName: secret1\nobjectType: secret";
const refusal = (message: string): unknown => expect.objectContaining({ reason: "InvalidRequest", message });

describe("parseObjects()", () => {
  test("defaults", () => {
    expect(parseObjects(array(secret1))).toEqual([
      {
        ...{ kind: "secret", name: "secret1", version: "", history: 0, path: "secret1" },
        ...{ mode: 0o644, format: "pem", encoding: "utf-8" },
      },
    ]);
  });
  test("every field, trimmed, as it is written", () => {
    const item = `objectName: "secret1   "\nobjectType: "  secret"\nobjectAlias: dir/file\nobjectVersion: 0123e10
objectFormat: PFX\nobjectEncoding: BasE64\nfilePermission: 0600\nobjectVersionHistory: 1\nunknown: {a: [b]}`;
    expect(parseObjects(array(item))).toEqual([
      {
        kind: "secret",
        name: "secret1",
        version: "0123e10",
        history: 1,
        path: "dir/file",
        mode: 0o600,
        format: "pfx",
        encoding: "base64",
      },
    ]);
  });
  test("the order is that of the list", () => {
    const names = parseObjects(array(secret1, "objectName: b\nobjectType: key", "{objectName: c, objectType: cert}"));
    expect(names.map(({ kind, name }) => [kind, name])).toEqual([
      ["secret", "secret1"],
      ["key", "b"],
      ["cert", "c"],
    ]);
  });
  test.each([
    ["a missing array", "Array: [x]"],
    ["a null array", "array: ~"],
    ["an empty array", "array: []"],
    ["nothing but a comment", "# soon"],
    ["null items", "array: [~, null, ]"],
  ])("%s is no objects", (_, text) => {
    expect(parseObjects(text)).toEqual([]);
  });
  test.each([
    ["PFX", "pfx", "utf-8"],
    ["pfx", "pfx", "utf-8"],
    ["", "pem", "base64   "],
    ["Pem", "pem", "BasE64"],
    ["", "pem", ""],
  ])("a secret may have the format %j (%s) and the encoding %j", (objectFormat, format, objectEncoding) => {
    const item = `${secret1}\nobjectFormat: ${objectFormat}\nobjectEncoding: "${objectEncoding}"`;
    const encoding = objectEncoding.trim().toLowerCase() || "utf-8";
    expect(parseObjects(array(item))).toMatchObject([{ format, encoding }]);
  });
  test.each(["secret", "key", "cert"])("a %s needs neither", (type) => {
    expect(parseObjects(array(`objectName: a\nobjectType: ${type}`))).toMatchObject([{ kind: type, format: "pem" }]);
  });
  test("anchors and aliases save writing", () => {
    expect(parseObjects("array:\n  - &a '{objectName: a, objectType: key}'\n  - *a")).toHaveLength(2);
  });
  test("an upper-case PFX on a certificate is let through", () => {
    expect(parseObjects(array("objectName: c\nobjectType: cert\nobjectFormat: PFX"))).toHaveLength(1);
  });
  test.each([
    ["", 0],
    ["-3", -3],
    ["1.9", 1],
    ["5", 5],
    ["5.5", 5],
    ["010", 8],
    ["0x10", 16],
  ])("the history %s is %i", (history, number) => {
    expect(parseObjects(array(`${secret1}\nobjectVersionHistory: ${history}`))).toMatchObject([{ history: number }]);
  });
  test.each([
    ["", 0o644],
    ["0755", 0o755],
    ["755", 0o755],
    ["+644", 0o644],
    ["00000644", 0o644],
    ['" 0600 "', 0o600],
    ["0", 0],
  ])("the permission %s is mode %i", (permission, mode) => {
    expect(parseObjects(array(`${secret1}\nfilePermission: ${permission}`))).toMatchObject([{ mode }]);
  });
  test.each(["a/b", "./a", "a/", "a//b", ".", "with space", "back\\slash"])(
    "the file name %s is let through",
    (path) => {
      expect(parseObjects(array(`${secret1}\nobjectAlias: ${path}`))).toMatchObject([{ path }]);
    },
  );
});

describe("a field", () => {
  /** What YAML readers like to take for something else than text. */
  const scalar = fc.oneof(
    fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }).map(String),
    fc.integer().map((number) => `0x${Math.abs(number).toString(16)}`),
    fc.integer({ min: 0 }).map((number) => `0${number.toString(8)}`),
    fc.integer({ min: 0 }).map((number) => `0o${number.toString(8)}`),
    fc.tuple(fc.nat(), fc.nat(400)).map(([number, exponent]) => `${number}e${exponent}`),
    fc.float({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.constantFrom(
      "true",
      "yes",
      "no",
      "ON",
      ".inf",
      "-.inf",
      ".nan",
      "2020-01-01",
      "1_000",
      "0b11",
      "12:30:45",
      "=",
      "<<",
    ),
  );
  test("of text is the text of any scalar, never a number made of it", () => {
    fc.assert(
      fc.property(scalar, scalar, scalar, (name, alias, version) => {
        const item = `objectType: secret\nobjectName: ${name}\nobjectAlias: ${alias}\nobjectVersion: ${version}`;
        expect(parseObjects(array(item))).toMatchObject([{ name, path: alias, version }]);
      }),
    );
  });
  const fields = [
    "objectName",
    "objectAlias",
    "objectVersion",
    "objectType",
    "objectFormat",
    "objectEncoding",
  ] as const;
  test("of any name tells what was written, whatever else it might look like, when it tells it", () => {
    fc.assert(
      fc.property(fc.constantFrom(...fields), scalar, (field, text) => {
        const given = { objectName: "n", objectType: "secret", [field]: text };
        const item = Object.entries(given).map(([key, value]) => `${key}: ${value}`);
        const told = attempt(() => parseObjects(array(item.join("\n"))));
        expect(told).toEqual(expectedOf(field, text));
      }),
    );
  });
  /** Every scalar that Go reads as a number, with the number; and what it does not. */
  const numbers = fc.oneof(
    fc.integer().map((n) => [String(n), n] as const),
    fc.nat().map((n) => [`+${n}`, n] as const),
    fc.nat().map((n) => [`0x${n.toString(16)}`, n] as const),
    fc.nat().map((n) => [`0b${n.toString(2)}`, n] as const),
    fc.nat().map((n) => [`0${n.toString(8)}`, n] as const),
    fc.nat().map((n) => [`0o${n.toString(8)}`, n] as const),
    fc.tuple(fc.nat(9999), fc.nat(99)).map(([n, fraction]) => [`${n}.${fraction}`, n] as const),
    fc.tuple(fc.nat(9), fc.nat(8)).map(([n, exponent]) => [`${n}e${exponent}`, n * 10 ** exponent] as const),
    fc.nat().map((n) => [`!!int "${n}"`, n] as const),
    fc.constantFrom(["", 0], ["~", 0], ["null", 0], ["1_000", 1000]),
  );
  const noNumbers = fc.oneof(
    fc.integer().map((n) => `"${n}"`),
    fc.integer().map((n) => `'${n}'`),
    fc.integer().map((n) => `!!str ${n}`),
    fc.bigInt({ min: 2n ** 31n, max: 10n ** 40n }).map(String),
    fc.bigInt({ min: 2n ** 31n, max: 10n ** 40n }).map((n) => `-${n + 1n}`),
    fc.constantFrom("true", "yes", ".inf", "-.inf", ".nan", "2020-01-01", "12:30:45", "five", '""', "=", "1e10", "0x"),
  );
  test("that is a number is that number, or an error, never another one", () => {
    const history = (text: string): unknown => parseObjects(array(`${secret1}\nobjectVersionHistory: ${text}`));
    fc.assert(
      fc.property(numbers, noNumbers, ([text, value], none) => {
        expect(history(text)).toMatchObject([{ history: value }]);
        expect(() => history(none)).toThrow("cannot unmarshal !!str into int32");
      }),
    );
  });
  test("of two lines is told in one", () => {
    for (const field of fields.slice(3)) {
      const item = `objectName: n\nobjectVersion: v\nobjectType: secret\n${field}: "a\\nb\\u2028c"`;
      const text = array(field === "objectType" ? item.replace("objectType: secret\n", "") : item);
      expect(() => parseObjects(text)).toThrow("a\\u000ab\\u2028c");
    }
  });
  test("that is a permission is the number that its octal digits make, or an error", () => {
    fc.assert(
      fc.property(scalar, (text) => {
        const octal = /^[+-]?[0-7]+$/.test(text) ? Number.parseInt(text, 8) : -1;
        const item = array(`${secret1}\nfilePermission: ${text}`);
        if (octal >= 0 && octal <= 0o777) expect(parseObjects(item)).toMatchObject([{ mode: octal }]);
        else expect(() => parseObjects(item)).toThrow("file permission must be a valid octal number: ");
      }),
    );
  });
});

describe("the list", () => {
  const unmarshal = "failed to yaml unmarshal objects, error: yaml: ";
  test.each([
    ["blank", "", "objects is not set"],
    ["a bare list", "- a", `${unmarshal}unmarshal errors: line 1: cannot unmarshal !!seq into struct`],
    ["bare text", "hello", `${unmarshal}unmarshal errors: line 1: cannot unmarshal !!str into struct`],
    ["a scalar array", "array: x", `${unmarshal}unmarshal errors: line 1: cannot unmarshal !!str into []string`],
    [
      "a mapping as item",
      "array:\n- objectName: a",
      `${unmarshal}unmarshal errors: line 2: cannot unmarshal !!map into string`,
    ],
    ["a list as item", "array:\n- [a]", `${unmarshal}unmarshal errors: line 2: cannot unmarshal !!seq into string`],
    ["array twice", "array: []\narray: []", `${unmarshal}line 2: mapping key "array" already defined`],
  ])("%s is refused", (_, text, message) => {
    expect(() => parseObjects(text)).toThrow(refusal(message));
  });
});

describe("a text that would keep all others waiting", () => {
  const limit = 256 * 1024;
  const filler = (length: number): string => "array: [] #".padEnd(length, "x");
  test("is refused by its length before it is read", () => {
    expect(parseObjects(filler(limit))).toEqual([]);
    expect(() => parseObjects(filler(limit + 1))).toThrow(
      refusal("objects is 262145 characters long, more than the limit of 262144: spread them over two volumes"),
    );
    expect(() => parseObjects("[".repeat(limit + 1))).toThrow("more than the limit of 262144");
  });
  test("is refused by the length that its aliases give it before they are read", () => {
    const long = `- &a "{objectName: a, objectType: secret, x: ${"y".repeat(100_000)}}"\n`;
    expect(parseObjects(`array:\n${long}- *a`)).toHaveLength(2);
    expect(() => parseObjects(`array:\n${long}${"- *a\n".repeat(99)}`)).toThrow(
      /^objects is \d{8} characters long, more than the limit of 262144/,
    );
  });
});

describe("an item", () => {
  const at = (index: number): string => `unmarshal failed for keyVaultObjects at index ${index}, error: yaml: `;
  const errors = "unmarshal errors: line 1: cannot unmarshal";
  test.each([
    ["text", array("hello"), `${at(0)}${errors} !!str into struct`],
    ["a list", array("- a"), `${at(0)}${errors} !!seq into struct`],
    ["a list as name", array("objectName: [a]"), `${at(0)}${errors} !!seq into string`],
    ["a quoted history", array(secret1, 'objectVersionHistory: "5"'), `${at(1)}${errors} !!str into int32`],
    ["a key twice", array(`${secret1}\nobjectName: b`), `${at(0)}line 3: mapping key "objectName" already defined`],
  ])("%s is refused", (_, text, message) => {
    expect(() => parseObjects(text)).toThrow(refusal(message));
  });
});

describe("an object", () => {
  const octal = "file permission must be a valid octal number: ";
  test.each([
    ["format pkcs", { objectFormat: "pkcs" }, "invalid objectFormat: pkcs, should be PEM or PFX"],
    [
      "pfx of a certificate",
      { objectType: "cert", objectFormat: "pfx" },
      "PFX format only supported for objectType: secret",
    ],
    [
      "encoding of a key",
      { objectType: "key", objectEncoding: "utf-8" },
      "objectEncoding only supported for objectType: secret",
    ],
    [
      "encoding of a certificate",
      { objectType: "cert", objectEncoding: "base64" },
      "objectEncoding only supported for objectType: secret",
    ],
    ["encoding utf-16", { objectEncoding: "utf-16" }, "invalid objectEncoding: utf-16, should be hex, base64 or utf-8"],
    ["no name", { objectName: "" }, "file name must not be empty"],
    ["an absolute name", { objectAlias: "/secret1" }, "file name must be a relative path"],
    ["a name that climbs at its end", { objectName: "secret1/.." }, "file name must not contain '..'"],
    ["a climbing alias", { objectAlias: "../secret1" }, "file name must not contain '..'"],
    ["dots within", { objectAlias: "a..b" }, "file name must not contain '..'"],
    ["permission 900", { filePermission: "900" }, `${octal}strconv.ParseInt: parsing "900": invalid syntax`],
    ["permission 0900", { filePermission: "0900" }, `${octal}strconv.ParseInt: parsing "0900": invalid syntax`],
    ["permission 0o755", { filePermission: "0o755" }, `${octal}strconv.ParseInt: parsing "0o755": invalid syntax`],
    ["permission 1777", { filePermission: "1777" }, `${octal}1777 is not between 0000 and 0777`],
    ["permission -1", { filePermission: "-1" }, `${octal}-1 is not between 0000 and 0777`],
    ["type Secret", { objectType: "Secret" }, "Invalid vaultObjectTypes. Should be secret, key, or cert"],
    ["no type", { objectType: "" }, "Invalid vaultObjectTypes. Should be secret, key, or cert"],
    ["a name of a dot", { objectName: ".", objectAlias: "a" }, "objectName must not be . or .."],
    ["a name of two dots", { objectName: "..", objectAlias: "a" }, "objectName must not be . or .."],
    ["an alias without a name", { objectName: "", objectAlias: "a" }, "objectName is not set"],
    ["permission 0x1ff", { filePermission: "0x1ff" }, `${octal}strconv.ParseInt: parsing "0x1ff": invalid syntax`],
    ["permission 0_644", { filePermission: "0_644" }, `${octal}strconv.ParseInt: parsing "0_644": invalid syntax`],
    ["letters", { filePermission: "rw-r--r--" }, `${octal}strconv.ParseInt: parsing "rw-r--r--": invalid syntax`],
  ])("with %s is refused", (_, change, reason) => {
    const fields = { objectName: "secret1", objectType: "secret", objectVersion: "v1", ...change };
    const item = Object.entries(fields).map(([key, value]) => `${key}: ${value}`);
    const named = `objectType:${fields.objectType}, objectName:${fields.objectName}, objectVersion:v1`;
    expect(() => parseObjects(array(item.join("\n")))).toThrow(refusal(`failed to get ${named}: ${reason}`));
  });
  test.each([".", ".."])("with version %s is refused", (version) => {
    const refused = `failed to get objectType:secret, objectName:secret1, objectVersion:${version}: objectVersion must not be . or ..`;
    expect(() => parseObjects(array(`${secret1}\nobjectVersion: ${version}`))).toThrow(refusal(refused));
  });
  test("is judged before the next one is read", () => {
    expect(() => parseObjects(array(`${secret1}\nobjectFormat: x`, "- no mapping"))).toThrow("invalid objectFormat: x");
  });
  test("is judged in the order of its fields", () => {
    const all = "objectType: key\nobjectFormat: pfx\nobjectEncoding: x\nobjectAlias: /a\nfilePermission: 9";
    expect(() => parseObjects(array(all))).toThrow("PFX format only supported");
  });
});

function attempt(step: () => unknown): unknown {
  try {
    return step();
  } catch (error) {
    return error instanceof Error ? error.message : error;
  }
}

/** What a scalar that is no word of ours makes of a secret called n; paths that climb are none of these scalars. */
function expectedOf(field: string, text: string): unknown {
  const object = { kind: "secret", name: "n", version: "", history: 0, path: "n" };
  const rest = { mode: 0o644, format: "pem", encoding: "utf-8" };
  const made = (change: object): unknown => [{ ...object, ...rest, ...change }];
  const refused = (type: string, reason: string): string =>
    `failed to get objectType:${type}, objectName:n, objectVersion:: ${reason}`;
  const outcomes: Readonly<Record<string, unknown>> = {
    objectName: made({ name: text, path: text }),
    objectAlias: made({ path: text }),
    objectVersion: made({ version: text }),
    objectType: refused(text, "Invalid vaultObjectTypes. Should be secret, key, or cert"),
    objectFormat: refused("secret", `invalid objectFormat: ${text}, should be PEM or PFX`),
    objectEncoding: refused("secret", `invalid objectEncoding: ${text}, should be hex, base64 or utf-8`),
  };
  return outcomes[field];
}
