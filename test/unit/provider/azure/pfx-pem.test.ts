import type { KeyObject, X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pfxToPem } from "../../../../src/provider/azure/pfx-pem.ts";
import { cannotOpenssl, consume, createWorkshop, pemOf, type KeyKind } from "../../../fakes/pfx.ts";
import { certificateBag, craftPfx, plainKey, plainPart } from "../../../fakes/pfx-crafted.ts";

type Who = KeyKind | "chain";
const legacy = ["-legacy"];
const triple = ["-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1"];
const aes = (bits: number): string[] => ["-certpbe", `AES-${bits}-CBC`, "-keypbe", `AES-${bits}-CBC`];

/** Made by openssl, 24 of them. */
const variants: readonly (readonly [name: string, who: Who, flags: readonly string[]])[] = [
  ["RC2-40 for certificates, 3DES for the key, SHA-1 MAC", "RSA 2048", legacy],
  ["RC2-40 for both", "RSA 2048", [...legacy, "-keypbe", "PBE-SHA1-RC2-40"]],
  ["3DES for both", "RSA 2048", triple],
  ["AES-256 and SHA-256 MAC, as openssl 3 does", "RSA 2048", []],
  ["AES-128 and SHA-512 MAC", "RSA 2048", [...aes(128), "-macalg", "sha512"]],
  ["AES-192 and SHA-384 MAC", "RSA 2048", [...aes(192), "-macalg", "sha384"]],
  ["AES-256 and SHA-1 MAC", "RSA 2048", [...aes(256), "-macalg", "sha1"]],
  ["PBES2 with 3DES", "RSA 2048", ["-certpbe", "DES-EDE3-CBC", "-keypbe", "DES-EDE3-CBC"]],
  ["AES certificates beside an RC2-40 key", "RSA 2048", [...legacy, "-certpbe", "AES-256-CBC"]],
  ["AES without a MAC", "RSA 2048", ["-nomac"]],
  ["RC2-40 without a MAC", "RSA 2048", [...legacy, "-nomac"]],
  ["nothing encrypted", "RSA 2048", ["-certpbe", "NONE", "-keypbe", "NONE"]],
  ["only the key encrypted", "RSA 2048", ["-certpbe", "NONE"]],
  ["only the certificates encrypted", "RSA 2048", ["-keypbe", "NONE"]],
  ["one iteration", "RSA 2048", ["-noiter", "-nomaciter"]],
  ["ten thousand iterations", "RSA 2048", ["-iter", "10000"]],
  ["a friendly name", "RSA 2048", ["-name", "märchen"]],
  ["RSA 3072", "RSA 3072", []],
  ["RSA 4096, legacy", "RSA 4096", legacy],
  ["P-256, legacy", "P-256", legacy],
  ["P-384", "P-384", []],
  ["P-521", "P-521", []],
  ["Ed25519", "Ed25519", []],
  ["P-256 with its chain, out of order", "chain", legacy],
];

describe.skipIf(cannotOpenssl)(`a PFX made by openssl${cannotOpenssl}`, () => {
  const workshop = createWorkshop();
  const issued = new Map<Who, { key: KeyObject; chain: X509Certificate[]; packed: X509Certificate[] }>();
  beforeAll(() => {
    for (const kind of new Set(variants.map(([, who]) => who))) {
      if (kind === "chain") continue;
      const { key, certificate } = workshop.issue(kind, kind);
      issued.set(kind, { key, chain: [certificate], packed: [certificate] });
    }
    const root = workshop.issue("root", "P-256");
    const first = workshop.issue("first", "P-256", root);
    const { key, certificate: leaf } = workshop.issue("leaf", "P-256", first, "basicConstraints=CA:FALSE");
    const chain = [leaf, first.certificate, root.certificate];
    issued.set("chain", { key, chain, packed: [leaf, root.certificate, first.certificate] });
  }, 120_000);
  afterAll(() => {
    workshop.close();
  });

  test.each(variants)("with %s (%s) is PEM that Node and openssl take", (_, who, flags) => {
    const { key, chain, packed } = issued.get(who) ?? expect.fail("not issued");
    const { pem, complete } = pfxToPem(workshop.pack(key, packed, flags), true);
    expect(complete).toBe(true);
    expect(pem).toBe([pemOf(key), ...chain.map(String)].join(""));
    const read = consume(pem);
    expect(read.key.equals(key)).toBe(true);
    expect(read.certificates.map(({ fingerprint256 }) => fingerprint256)).toEqual(
      chain.map(({ fingerprint256 }) => fingerprint256),
    );
    expect(String(workshop.openssl(["pkey"], pem))).toBe(pemOf(key));
    expect(String(workshop.openssl(["x509"], pem))).toBe(String(chain[0]));
  });
  test("without a chain wanted keeps the order of the bags", () => {
    const { key, packed } = issued.get("chain") ?? expect.fail("not issued");
    expect(consume(pfxToPem(workshop.pack(key, packed, []), false).pem).certificates.map(String)).toEqual(
      packed.map(String),
    );
  });
  test("of certificates alone is these, of a key alone is refused where a chain is wanted", () => {
    const { key, packed } = issued.get("chain") ?? expect.fail("not issued");
    expect(pfxToPem(workshop.pack(key, packed, ["-nokeys"]), false).pem).toBe(packed.map(String).join(""));
    const keyOnly = craftPfx([plainPart(plainKey(key.export({ format: "der", type: "pkcs8" })))]);
    expect(pfxToPem(keyOnly, false).pem).toBe(pemOf(key));
    expect(() => pfxToPem(keyOnly, true)).toThrow("no leaf found");
  });
  test("with a password is refused", () => {
    const { key, packed } = issued.get("P-256") ?? expect.fail("not issued");
    for (const flags of [[], legacy, ["-nomac"]]) {
      const pfx = workshop.pack(key, packed, [...flags, "-passout", "pass:secret"]);
      expect(() => pfxToPem(pfx, true)).toThrow("pkcs12: decryption password incorrect");
    }
  });
  test("of several keys is all of them before the certificates", () => {
    const [one, two] = [issued.get("P-256"), issued.get("Ed25519")];
    if (one === undefined || two === undefined) return expect.fail("not issued");
    const bags = [one, two].flatMap(({ key, chain }) => [
      ...chain.map(({ raw }) => certificateBag(raw)),
      plainKey(key.export({ format: "der", type: "pkcs8" })),
    ]);
    const { pem } = pfxToPem(craftPfx([plainPart(...bags)]), false);
    expect(pem).toBe([pemOf(one.key), pemOf(two.key), ...one.chain.map(String), ...two.chain.map(String)].join(""));
  });
  test.each(["pkcs1", "sec1"] as const)("with a key as %s gives it as PKCS#8", (type) => {
    const { key } = issued.get(type === "sec1" ? "P-256" : "RSA 2048") ?? expect.fail("not issued");
    const der = key.export({ format: "der", type }) as Buffer;
    expect(pfxToPem(craftPfx([plainPart(plainKey(der))]), false).pem).toBe(pemOf(key));
  });
});

describe("a PFX", () => {
  test("with a key that is none is refused", () => {
    const pfx = craftPfx([plainPart(plainKey(Buffer.from("3003020101", "hex")))]);
    expect(() => pfxToPem(pfx, false)).toThrow("failed to parse key for type pkcs1, pkcs8 or ec");
  });
  test("with a certificate that is none is refused where a chain is wanted", () => {
    const pfx = craftPfx([plainPart(certificateBag(Buffer.from("secret")))]);
    expect(() => pfxToPem(pfx, true)).toThrow("failed to parse a certificate of the PFX");
    expect(pfxToPem(pfx, false).pem).toContain("c2VjcmV0");
  });
});
