import fc from "fast-check";
import forge from "node-forge";
import { describe, expect, test, vi } from "vitest";
import { decodePkcs12 } from "../../../src/formats/pkcs12.ts";
import { readSealed } from "../../../src/formats/pkcs12-seal.ts";
import {
  certificateBag,
  craftPfx,
  foreignBag,
  garbagePart,
  inPieces,
  nested,
  pbe,
  pbes2,
  plainPart,
  sealedPart,
  shroudedKey,
  type Crafted,
} from "../../fakes/pfx-crafted.ts";

const refusal = (message: string): unknown => expect.objectContaining({ reason: "ProviderError", message });
const certificate = Buffer.from("a certificate");
const part = plainPart(certificateBag(certificate));
const damaged = "pkcs12: the value is no PFX, or a damaged one: import the certificate anew";

describe("iterations above the limit are refused before anything is derived", () => {
  const { pbe: derivation } = forge as unknown as { pbe: { generatePkcs12Key: () => string } };
  test.each<[string, (count: number) => Buffer]>([
    ["of the MAC", (count) => craftPfx([part], count)],
    ["of a part, PBES2", (count) => craftPfx([part, garbagePart(pbes2(count))], 1)],
    ["of a part, PKCS#12", (count) => craftPfx([garbagePart(pbe(count))], 1)],
    ["of a key, PBES2", (count) => craftPfx([plainPart(shroudedKey(pbe(1)), shroudedKey(pbes2(count)))], 1)],
    ["of a key, PKCS#12", (count) => craftPfx([garbagePart(pbe(1)), plainPart(shroudedKey(pbe(count)))], 1)],
  ])("%s", (_, craft) => {
    const spies = [vi.spyOn(derivation, "generatePkcs12Key"), vi.spyOn(forge.pkcs5, "pbkdf2")];
    for (const count of [1_000_001, 2 ** 31 - 1, 2 ** 31, 2 ** 48]) {
      const pfx = craft(count);
      for (const spy of spies) spy.mockClear();
      expect(() => decodePkcs12(pfx)).toThrow(
        refusal(
          "pkcs12: an iteration count is above the limit of 1000000: export the certificate anew with a lower one",
        ),
      );
      for (const spy of spies) expect(spy).not.toHaveBeenCalled();
    }
  });
  test.each([pbes2, pbe])("of a key in an encrypted part, before that key's own (%o)", (algorithm) => {
    const pfx = craftPfx([sealedPart(shroudedKey(algorithm(2 ** 31)))]);
    const spy = vi.spyOn(forge.pkcs5, "pbkdf2");
    expect(() => decodePkcs12(pfx)).toThrow("above the limit");
    expect(spy).toHaveBeenCalledTimes(1);
  });
  test.each([pbes2, pbe])("the limit itself is none of them (%o)", (algorithm) => {
    expect(readSealed(algorithm(1_000_000), "")).toBeTypeOf("function");
    expect(() => readSealed(algorithm(0), "")).toThrow(refusal("pkcs12: an iteration count is below 1"));
  });
});

describe("a PFX", () => {
  test.each<[string, Buffer]>([
    ["without a MAC", craftPfx([part])],
    ["whose MAC is over a password of no bytes", craftPfx([part], 100)],
    ["in several parts", craftPfx([plainPart(), part])],
    ["in BER, bytes in pieces", craftPfx([inPieces(part)])],
    ["with a nested part", craftPfx([plainPart(nested(certificateBag(certificate)))])],
    ["with what is neither key nor certificate", craftPfx([plainPart(foreignBag(), certificateBag(certificate))])],
    ["with an encrypted part", craftPfx([sealedPart(certificateBag(certificate))])],
  ])("%s is read", (_, pfx) => {
    expect(decodePkcs12(pfx)).toEqual({ keys: [], certificates: [certificate] });
  });
  test("whose MAC does not fit is refused", () => {
    const pfx = craftPfx([part], 100);
    // The last byte of the content stands before the MacData.
    pfx[pfx.indexOf("a certificate")] = 0x62;
    expect(() => decodePkcs12(pfx)).toThrow("pkcs12: decryption password incorrect");
  });
  test.each<[string, string, string, Crafted[]]>([
    ["pbeWithSHA1And128BitRC4", "2a864886f70d010c0103", "2a864886f70d010c0101", [garbagePart(pbe(1))]],
    ["PBES1 with MD5 and DES", "2a864886f70d010c0103", "2a864886f70d01050303", [plainPart(shroudedKey(pbe(1)))]],
  ])("by %s is refused by its number", (_, from, to, parts) => {
    const hex = craftPfx(parts).toString("hex").replace(from, to);
    expect(() => decodePkcs12(Buffer.from(hex, "hex"))).toThrow(/^pkcs12: unknown algorithm: 1\.2\.840\.113549\./);
  });
  test("whose MAC is by an unknown digest is refused by its number", () => {
    const hex = craftPfx([part], 100).toString("hex").replace("2b0e03021a", "2b0e03021b");
    expect(() => decodePkcs12(Buffer.from(hex, "hex"))).toThrow("pkcs12: unknown digest algorithm: 1.3.14.3.2.27");
  });
  test.each([
    ["2a864886f70d010706", "2a864886f70d010703", "a PFX that is encrypted with a certificate"],
    ["2a864886f70d010701", "2a864886f70d010702", "a signed PFX"],
  ])("of another kind of content (%s) is refused", (from, to, what) => {
    const hex = craftPfx([garbagePart(pbe(1))])
      .toString("hex")
      .replace(from, to);
    expect(() => decodePkcs12(Buffer.from(hex, "hex"))).toThrow(`pkcs12: ${what} is not supported`);
  });
});

describe("what is no PFX", () => {
  test.each(["", "hello", "0", "30", "3000", "30030201ff", `30${"80".repeat(2000)}`])("%j is refused", (hex) => {
    expect(() => decodePkcs12(Buffer.from(hex, "hex"))).toThrow(refusal(damaged));
  });
  test("any bytes, and any PFX with a byte changed or an end cut off, are read or refused without being quoted", () => {
    const pfx = craftPfx([part]);
    const changed = fc
      .tuple(fc.nat(pfx.length - 1), fc.nat(255), fc.integer({ min: 1, max: pfx.length }))
      .map(([at, byte, length]) =>
        Buffer.from(pfx)
          .fill(byte, at, at + 1)
          .subarray(0, length),
      );
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), changed), (bytes) => {
        try {
          decodePkcs12(bytes);
        } catch (error) {
          expect(error).toMatchObject({
            reason: "ProviderError",
            message: expect.stringMatching(/^pkcs12: [ -~]+$/) as string,
          });
          expect(String(error)).not.toContain("a certificate\u0000");
        }
      }),
      { numRuns: 2000 },
    );
  });
});
