import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeBase64, decodeHex, parseDurationMs, parseGoBool, parseOctal } from "../../../src/formats/go-text.ts";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

describe("parseGoBool()", () => {
  test.each(["1", "t", "T", "TRUE", "true", "True"])("%s is true", (word) => {
    expect(parseGoBool(word)).toBe(true);
  });
  test.each(["0", "f", "F", "FALSE", "false", "False"])("%s is false", (word) => {
    expect(parseGoBool(word)).toBe(false);
  });
  test.each(["yes", "on", "tRUE", "y", "", " true", "tru"])("%j is refused in Go's words", (word) => {
    expect(() => parseGoBool(word)).toThrow(`strconv.ParseBool: parsing ${JSON.stringify(word)}: invalid syntax`);
  });
});

describe("parseOctal()", () => {
  test.each([
    ["0755", 0o755],
    ["755", 0o755],
    ["+644", 0o644],
    ["00000644", 0o644],
    ["1777", 0o1777],
    ["-1", -1],
  ])("%s is read", (digits, value) => {
    expect(parseOctal(digits)).toBe(value);
  });
  test.each(["0900", "900", "0o755", "0x1ff", " 0644", "0_644", "rw-r--r--", ""])("%j is no octal number", (digits) => {
    expect(() => parseOctal(digits)).toThrow(`strconv.ParseInt: parsing ${JSON.stringify(digits)}: invalid syntax`);
  });
  test("a number beyond 32 bits is out of range", () => {
    expect(() => parseOctal("77777777777")).toThrow("value out of range");
  });
  test("whatever a number prints in base 8 is read back", () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        expect(parseOctal(value.toString(8))).toBe(value);
      }),
    );
  });
});

describe("decodeBase64()", () => {
  test.each([
    ["QmFzZTY0RW5jb2RlZFN0cmluZw==", "Base64EncodedString"],
    ["", ""],
    ["aG\r\nk=\n", "hi"],
    ["aGk=\r\n", "hi"],
    ["aGl=", "hi"], // bits behind the last byte
  ])("%j is read", (symbols, value) => {
    expect(text(decodeBase64(symbols))).toBe(value);
  });
  test.each([
    ["invalid", 4],
    ["a", 0],
    ["aGk", 0],
    ["aGk==", 4],
    ["aGk=aGk=", 4],
    ["aG=", 3],
    ["aG=k", 2],
    ["=", 0],
    ["a===", 1],
    ["aG k=", 2],
    ["aG\tk", 2],
    ["aG-_", 2],
    ["aGkh\naG!h", 7],
    ["aG\n", 1],
    ["aGkh\na\r\n", 7],
    ["aG=\r\nk", 4],
    ["aG=\n", 4],
    ["aG=\n=\nk", 6],
    ["ä", 0],
  ])("%j is illegal at byte %i", (symbols, position) => {
    expect(() => decodeBase64(symbols)).toThrow(`illegal base64 data at input byte ${position}`);
  });
  test("every encoding is read back, wherever its lines break", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.integer({ min: 1, max: 76 }), (bytes, columns) => {
        const lines =
          Buffer.from(bytes)
            .toString("base64")
            .match(new RegExp(`.{1,${columns}}`, "g")) ?? [];
        expect(Buffer.from(decodeBase64(lines.join("\r\n")))).toEqual(Buffer.from(bytes));
      }),
    );
  });
  test("a text is either refused or canonical but for line breaks and the last bits", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9+/=\n -]{0,12}$/), (symbols) => {
        const canonical = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
        const accepted = attempt(() => decodeBase64(symbols));
        expect(accepted).toBe(canonical.test(symbols.replaceAll("\n", "")));
      }),
    );
  });
  test("an error tells a position and nothing of the text", () => {
    expect(() => decodeBase64("c2VjcmV0!")).toThrow(/^illegal base64 data at input byte \d+$/);
  });
});

describe("decodeHex()", () => {
  test("either case is read", () => {
    expect(text(decodeHex("486578456E636F646564537472696e67"))).toBe("HexEncodedString");
    expect(decodeHex("")).toHaveLength(0);
  });
  test("a foreign character is told by its position only", () => {
    expect(() => decodeHex("zz")).toThrow(/^encoding\/hex: invalid byte at position 0$/);
    expect(() => decodeHex("00 11")).toThrow(/^encoding\/hex: invalid byte at position 2$/);
    expect(() => decodeHex("00z")).toThrow(/^encoding\/hex: invalid byte at position 2$/);
  });
  test("half a byte is refused", () => {
    expect(() => decodeHex("123")).toThrow(/^encoding\/hex: odd length hex string$/);
  });
  test("every encoding is read back", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.boolean(), (bytes, upper) => {
        const hex = Buffer.from(bytes).toString("hex");
        expect(Buffer.from(decodeHex(upper ? hex.toUpperCase() : hex))).toEqual(Buffer.from(bytes));
      }),
    );
  });
});

function attempt(step: () => unknown): boolean {
  try {
    step();
    return true;
  } catch {
    return false;
  }
}

describe("parseDurationMs()", () => {
  test.each([
    ["2m", 120_000],
    ["90s", 90_000],
    ["1h30m", 5_400_000],
    ["1.5h", 5_400_000],
    [".5s", 500],
    ["1.s", 1_000],
    ["2m0s", 120_000],
    ["1s500ms", 1_500],
    ["+1s", 1_000],
    ["-1s", -1_000],
    ["1500us", 1.5],
    ["1500\u00b5s", 1.5],
    ["1500\u03bcs", 1.5],
    ["2000000ns", 2],
    ["0", 0],
    ["-0", -0],
  ])("%s is read", (duration, ms) => {
    expect(parseDurationMs(duration)).toBeCloseTo(ms, 9);
  });
  test.each([
    ["", 'time: invalid duration ""'],
    ["s", 'time: invalid duration "s"'],
    [".s", 'time: invalid duration ".s"'],
    ["-", 'time: invalid duration "-"'],
    [" 1s", 'time: invalid duration " 1s"'],
    ["--1s", 'time: invalid duration "--1s"'],
    ["120", 'time: missing unit in duration "120"'],
    ["1m30", 'time: missing unit in duration "1m30"'],
    ["1.2.3s", 'time: missing unit in duration "1.2.3s"'],
    ["2 m", 'time: unknown unit " m" in duration "2 m"'],
    ["2M", 'time: unknown unit "M" in duration "2M"'],
    ["1d", 'time: unknown unit "d" in duration "1d"'],
    ["1toString", 'time: unknown unit "toString" in duration "1toString"'],
  ])("%j is refused in Go's words", (duration, message) => {
    expect(() => parseDurationMs(duration)).toThrow(message);
  });
  test("whatever hours, minutes and seconds it is put together of, it is their sum", () => {
    fc.assert(
      fc.property(fc.nat(99), fc.nat(99), fc.nat(99), (h, m, s) => {
        expect(parseDurationMs(`${h}h${m}m${s}s`)).toBe(((h * 60 + m) * 60 + s) * 1_000);
      }),
    );
  });
});
