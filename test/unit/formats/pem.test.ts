import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { pemBlock, readPem, type PemBlock } from "../../../src/formats/pem.ts";

describe("pemBlock()", () => {
  test("short content is one line", () => {
    const block = "-----BEGIN CERTIFICATE-----\ndGVzdA==\n-----END CERTIFICATE-----\n";
    expect(pemBlock("CERTIFICATE", Buffer.from("test"))).toBe(block);
  });
  test("no content is no line", () => {
    expect(pemBlock("CERTIFICATE", new Uint8Array())).toBe("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n");
  });
  test("a block is what OpenSSL writes", () => {
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-521" });
    const der = publicKey.export({ format: "der", type: "spki" });
    expect(pemBlock("PUBLIC KEY", der)).toBe(publicKey.export({ format: "pem", type: "spki" }));
  });
  test("headers stand before the content, an empty line between", () => {
    expect(pemBlock("RSA PRIVATE KEY", Buffer.from("test"), [["Proc-Type", "4,ENCRYPTED"]])).toBe(
      "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\ndGVzdA==\n-----END RSA PRIVATE KEY-----\n",
    );
  });
});

const block = (label: string, content: string): string => pemBlock(label, Buffer.from(content));
const read = (text: string): string[] =>
  readPem(text).map(({ label, bytes }) => `${label}: ${Buffer.from(bytes).toString()}`);

describe("readPem()", () => {
  const a = block("A", "one");
  const body = "b25l";
  test.each<[string, string, string[]]>([
    ["nothing", "", []],
    ["no block", "hello", []],
    ["text around blocks", `before\n${a}between\n${block("B", "two")}after`, ["A: one", "B: two"]],
    ["CR LF", a.replaceAll("\n", "\r\n"), ["A: one"]],
    ["no newline at the end", a.trimEnd(), ["A: one"]],
    ["spaces at the ends of lines", a.replaceAll("\n", " \t\n"), ["A: one"]],
    ["spaces before BEGIN", `  ${a}`, []],
    ["spaces before END", a.replace("-----END", " -----END"), []],
    ["text before BEGIN", `x${a}`, []],
    ["broken base64", a.replace(body, "b25"), []],
    ["broken base64, and a block behind", `${a.replace(body, "!")}${a}`, ["A: one"]],
    ["another label at the end", a.replace("END A", "END B"), []],
    ["text behind END", a.replace("END A-----", "END A----- x"), []],
    ["no end", a.replace(/-----END.*/, ""), []],
    ["a block in an unfinished one", `-----BEGIN B-----\n${a}`, ["A: one"]],
    ["an empty block", block("EMPTY", ""), ["EMPTY: "]],
    ["headers without an empty line behind", "-----BEGIN A-----\nK: v\n-----END A-----\n", []],
    ["a block without a label", block("", "one"), [": one"]],
    [
      "base64 in one line",
      `-----BEGIN A-----\n${Buffer.from("x".repeat(99)).toString("base64")}\n-----END A-----`,
      [`A: ${"x".repeat(99)}`],
    ],
  ])("%s", (_, text, blocks) => {
    expect(read(text)).toEqual(blocks);
  });
  test("headers are kept, up to an empty line or the content", () => {
    const headers = [
      ["Proc-Type", "4,ENCRYPTED"],
      ["DEK-Info", "DES,A1"],
    ] as const;
    expect(readPem(pemBlock("K", Buffer.from("one"), headers))).toMatchObject([{ headers }]);
  });
  test("every well-formed block comes out once, in order, whatever stands around it", () => {
    const noise = fc.oneof(
      fc.string().map((text) => text.replaceAll("-", "").replaceAll(/[\r\n]/g, " ")),
      fc.constantFrom(
        "-----BEGIN A-----",
        "-----END A-----",
        "-----BEGIN A-----\n!\n-----END A-----",
        "-----BEGIN A-----\nb25l\n-----END B-----",
        "-----BEGIN A-----\nK: v",
        " -----BEGIN A-----\nb25l\n-----END A-----",
      ),
    );
    const wellFormed = fc.record({
      label: fc.stringMatching(/^[A-Z0-9][A-Z0-9 ]{0,20}[A-Z0-9]$/),
      headers: fc.uniqueArray(fc.tuple(fc.stringMatching(/^[A-Za-z-]{1,9}$/), fc.stringMatching(/^[\w,]{1,9}$/)), {
        maxLength: 2,
        selector: ([name]) => name,
      }),
      bytes: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    });
    const lineEnd = fc.constantFrom("\n", "\r\n");
    fc.assert(
      fc.property(fc.array(fc.tuple(noise, wellFormed, lineEnd)), noise, (parts, end) => {
        const print = (one: PemBlock): string => pemBlock(one.label, one.bytes, one.headers);
        const text = parts.map(([before, one, eol]) => `${before}\n${print(one).replaceAll("\n", eol)}`).join("") + end;
        expect(readPem(text)).toEqual(parts.map(([, one]) => one));
      }),
    );
  });
  test("a text of nothing but beginnings is read in one go", () => {
    expect(readPem(`${"-----BEGIN A-----\n".repeat(100_000)}-----END A-----`)).toHaveLength(1);
  });
});
