import fc from "fast-check";
import { expect, test } from "vitest";
import { fingerprintOf } from "../../../src/formats/fingerprint.ts";

/** As published with the algorithm. */
test.each([
  ["", 0x811c9dc5],
  ["a", 0xe40c292c],
  ["foobar", 0xbf9cf968],
])("of %j it is %i", (text, fingerprint) => {
  expect(fingerprintOf(text)).toBe(fingerprint);
});

test("of any text it is a whole number of 32 bits", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const fingerprint = fingerprintOf(text);
      expect(Number.isInteger(fingerprint) && fingerprint >= 0 && fingerprint < 2 ** 32).toBe(true);
    }),
  );
});
