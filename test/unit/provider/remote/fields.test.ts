import fc from "fast-check";
import { expect, test } from "vitest";
import { provider } from "../../../../src/grpc/provider-descriptor.ts";
import { countFields } from "../../../../src/provider/remote/fields.ts";

const { Mount } = provider.CSIDriverProvider.service;

test("every file and version of an answer is a field, however large", () => {
  const file = fc.record({ path: fc.string(), mode: fc.integer(), contents: fc.uint8Array({ maxLength: 300 }) });
  const version = fc.record({ id: fc.string(), version: fc.string() });
  fc.assert(
    fc.property(fc.array(file), fc.array(version), (files, objectVersion) => {
      const given = files.map(({ contents, ...rest }) => ({ ...rest, contents: Buffer.from(contents) }));
      const bytes = Mount.responseSerialize({ files: given, objectVersion });
      expect(countFields(bytes)).toBe(files.length + objectVersion.length);
    }),
  );
});

test("any bytes are counted or refused, and the count never exceeds half of them", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const count = countFields(bytes);
      expect(count === undefined || count <= bytes.length / 2).toBe(true);
    }),
  );
});

test.each([
  ["nothing", "", 0],
  ["a number", "0801", 1],
  ["eight bytes", "090000000000000000", 1],
  ["four bytes", "0d00000000", 1],
  ["a tag alone", "08", undefined],
  ["a field that ends too early", "0a05aa", undefined],
  ["a group", "0b", undefined],
  ["a number without end", `08${"ff".repeat(11)}`, undefined],
  ["a length beyond all memory", "0affffffffffffffffff01", undefined],
])("%s", (_name, hex, count) => {
  expect(countFields(Buffer.from(hex, "hex"))).toBe(count);
});
