import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, expect, test } from "vitest";
import { publicKeyPem } from "../../../../src/provider/azure/public-key.ts";

const pemOf = (key: KeyObject): string => String(key.export({ format: "pem", type: "spki" }));
const text = (value: unknown): string => (typeof value === "string" ? value : "");

function elliptic(namedCurve: string): { pem: string; crv: string; x: string; y: string } {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve });
  const { crv, x, y } = publicKey.export({ format: "jwk" });
  return { pem: pemOf(publicKey), crv: text(crv), x: text(x), y: text(y) };
}

const { publicKey: rsa } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const numbers = { n: text(rsa.export({ format: "jwk" }).n), e: text(rsa.export({ format: "jwk" }).e) };

/** The same number with its leading zero bytes changed. */
const withBytes = (number: string, change: (bytes: Buffer) => Buffer): string =>
  change(Buffer.from(number, "base64url")).toString("base64url");

describe("publicKeyPem()", () => {
  test.each(["RSA", "RSA-HSM"])("%s is a public key", (kty) => {
    expect(publicKeyPem({ kty, ...numbers })).toBe(pemOf(rsa));
  });
  test("a modulus with a zero in front is the same key", () => {
    const n = withBytes(numbers.n, (bytes) => Buffer.concat([Buffer.of(0), bytes]));
    expect(publicKeyPem({ kty: "RSA", n, e: numbers.e })).toBe(pemOf(rsa));
  });
  test.each(["P-256", "P-384", "P-521"])("%s is a curve of ours, in an HSM too", (curve) => {
    const { pem, ...key } = elliptic(curve);
    expect(publicKeyPem({ kty: "EC", ...key })).toBe(pem);
    expect(publicKeyPem({ kty: "EC-HSM", ...key })).toBe(pem);
  });
  test("a coordinate whose leading zeros were left out is the same key", () => {
    const { pem, ...key } = elliptic("P-521");
    const x = withBytes(key.x, (bytes) => bytes.subarray(bytes.findIndex((byte) => byte !== 0)));
    expect(publicKeyPem({ kty: "EC", ...key, x })).toBe(pem);
  });
  test.each([
    ["oct-HSM", { kty: "oct-HSM" }, "failed to get key. key type 'oct-HSM' currently not supported"],
    ["oct", { kty: "oct" }, "failed to get key. key type 'oct' currently not supported"],
    ["no type", {}, "failed to get key. key type 'unknown' currently not supported"],
    ["a type that is prose", { kty: "a secret" }, "failed to get key. key type 'unknown' currently not supported"],
    ["P-256K", { kty: "EC", crv: "P-256K", x: "AQ", y: "AQ" }, "curve P-256K is not supported"],
    ["no curve", { kty: "EC" }, "curve unknown is not supported"],
    ["no numbers", { kty: "RSA" }, "failed to get key. its numbers make no key"],
    [
      "a point off the curve",
      { kty: "EC", crv: "P-256", x: "AQ", y: "AQ" },
      "failed to get key. its numbers make no key",
    ],
  ])("%s is refused", (_, key, message) => {
    expect(() => publicKeyPem(key)).toThrow(expect.objectContaining({ reason: "ProviderError", message }));
  });
});
