import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { privateKeyPem } from "../../../src/formats/private-key.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const curve = (namedCurve: string): KeyObject => generateKeyPairSync("ec", { namedCurve }).privateKey;
const ed25519 = generateKeyPairSync("ed25519").privateKey;

describe("a private key", () => {
  test.each([
    ["RSA in PKCS#8", rsa, "pkcs8", "pkcs1"],
    ["RSA in PKCS#1", rsa, "pkcs1", "pkcs1"],
    ["P-256 in PKCS#8", curve("P-256"), "pkcs8", "sec1"],
    ["P-384 in SEC1", curve("P-384"), "sec1", "sec1"],
    ["P-521 in PKCS#8", curve("P-521"), "pkcs8", "sec1"],
    ["Ed25519 in PKCS#8", ed25519, "pkcs8", "pkcs8"],
  ] as const)("%s is printed as the established driver does", (_name, key, from, to) => {
    const der = key.export({ format: "der", type: from } as { format: "der"; type: "pkcs8" });
    const pem = privateKeyPem(der);
    expect(pem).toBe(key.export({ format: "pem", type: to } as { format: "pem"; type: "pkcs8" }));
    expect(createPrivateKey(pem ?? "").equals(key)).toBe(true);
  });

  test("is not what any other bytes are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(privateKeyPem(bytes)).toBeUndefined();
      }),
    );
  });

  test("is not what is encrypted", () => {
    const der = rsa.export({ format: "der", type: "pkcs8", cipher: "aes-256-cbc", passphrase: "a" });
    expect(privateKeyPem(der)).toBeUndefined();
  });
});
