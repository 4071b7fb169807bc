import { describe, expect, test } from "vitest";
import { binary, integerOf, octetsOf, oidOf, partsOf, readDer, taggedIn, writeDer } from "../../../src/formats/der.ts";

const read = (hex: string): ReturnType<typeof readDer> => readDer(binary.from(Buffer.from(hex, "hex")));

describe("a DER value", () => {
  test.each([
    ["020100", 0n],
    ["02017f", 127n],
    ["020180", -128n],
    ["02020080", 128n],
    ["0206ffffffffffff", -1n],
    ["0209010000000000000000", 2n ** 64n],
  ])("%s is the integer %i", (hex, number) => {
    expect(integerOf(read(hex))).toBe(number);
  });
  test("is read in BER and written in DER", () => {
    const pieces = read("240804016104020001");
    expect(octetsOf(pieces)).toBe("a\u0000\u0001");
    expect(partsOf(read("3006020101020102")).map(integerOf)).toEqual([1n, 2n]);
    expect(oidOf(taggedIn(read("a00506032a0304")))).toBe("1.2.3.4");
    expect(Buffer.from(binary.to(writeDer(read("3003020107")))).toString("hex")).toBe("3003020107");
  });
  test.each<[string, () => unknown]>([
    ["no value is no integer", () => integerOf(undefined)],
    ["text is no integer", () => integerOf(read("040101"))],
    ["an integer of no bytes is none", () => integerOf(read("0200"))],
    ["an integer is no object identifier", () => oidOf(read("020101"))],
    ["no value has no parts", () => partsOf(undefined)],
    ["text has no parts", () => partsOf(read("040161"))],
    ["an empty tag holds nothing", () => taggedIn(read("a000"))],
    ["no value has no bytes", () => octetsOf(undefined)],
  ])("%s", (_, step) => {
    expect(step).toThrow("the structure is not what it should be");
  });
});
