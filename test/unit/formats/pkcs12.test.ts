import fc from "fast-check";
import forge from "node-forge";
import { describe, expect, test, vi } from "vitest";
import { decodePkcs12 } from "../../../src/formats/pkcs12.ts";
import { readSealed } from "../../../src/formats/pkcs12-seal.ts";
import { createJudge, TooMuchWork } from "../../../src/formats/pkcs12-work.ts";
import {
  certificateBag,
  craftPbmac1,
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
  slowPart,
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
    ["of a MAC by PBMAC1", (count) => craftPbmac1([part], count)],
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
  test("of a PBMAC1 hidden in the length of its key", () => {
    const spy = vi.spyOn(forge.pkcs5, "pbkdf2");
    spy.mockClear();
    for (const length of [65, 1_000_000]) {
      expect(() => decodePkcs12(craftPbmac1([part], 1, length))).toThrow(
        refusal("pkcs12: the key of its MAC has no usual length"),
      );
    }
    expect(spy).not.toHaveBeenCalled();
  });
  test.each([pbes2, pbe])("the limit itself is none of them (%o)", (algorithm) => {
    expect(readSealed(algorithm(1_000_000), "", createJudge(1_000_000))).toBeTypeOf("function");
    expect(() => readSealed(algorithm(0), "", createJudge(1))).toThrow(
      refusal("pkcs12: an iteration count is below 1"),
    );
  });
});

describe("iterations that are together more than was allowed", () => {
  const nestedKey = sealedPart(shroudedKey(pbe(60)));
  test.each<[string, Buffer]>([
    ["of MAC and part", craftPfx([slowPart(60)], 60)],
    ["of PBMAC1 and part", craftPbmac1([slowPart(60)], 60)],
    ["of two parts", craftPfx([slowPart(60), slowPart(60)])],
    ["of a part and a key in another", craftPfx([slowPart(60), nestedKey])],
    ["of many keys", craftPfx([plainPart(...Array<Crafted>(101).fill(shroudedKey(pbe(1))))])],
  ])("%s are no refusal", (_, pfx) => {
    expect(() => decodePkcs12(pfx, 100)).toThrow(TooMuchWork);
  });
  test("are counted anew for each PFX", () => {
    const pfx = craftPfx([slowPart(60, certificateBag(certificate))], 40);
    for (let time = 0; time < 3; time++) expect(decodePkcs12(pfx, 100).certificates).toHaveLength(1);
  });
});

describe("a PFX", () => {
  test.each<[string, Buffer]>([
    ["without a MAC", craftPfx([part])],
    ["whose MAC is a PBMAC1", craftPbmac1([part], 2048)],
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
  test("whose PBMAC1 does not fit is refused", () => {
    const pfx = craftPbmac1([part], 100);
    pfx[pfx.indexOf("a certificate")] = 0x62;
    expect(() => decodePkcs12(pfx)).toThrow("pkcs12: decryption password incorrect");
  });
  test.each([
    ["2b06010401da47040b", "unknown key derivation: 1.3.6.1.4.1.11591.4.11"],
    ["2a864886f70d010d0c", "unknown key derivation: 1.2.840.113549.1.13.12"],
  ])("by another key derivation than PBKDF2 (%s) is refused by its number", (other, message) => {
    for (const pfx of [craftPfx([garbagePart(pbes2(1))]), craftPbmac1([part], 1)]) {
      const hex = pfx.toString("hex").replace("2a864886f70d01050c", other);
      expect(() => decodePkcs12(Buffer.from(hex, "hex"))).toThrow(refusal(`pkcs12: ${message}`));
    }
  });
  test("whose MAC is by an unknown digest is refused by its number", () => {
    const unknown = craftPbmac1([part], 1).toString("hex").replaceAll("2a864886f70d0209", "2a864886f70d0208");
    expect(() => decodePkcs12(Buffer.from(unknown, "hex"))).toThrow("unknown digest algorithm: 1.2.840.113549.2.8");
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
