import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import { pemBlock } from "../../../src/formats/pem.ts";
import { tlsPart, type TlsKey } from "../../../src/sync/tls.ts";
import { createFakePfx } from "../../fakes/secrets.ts";
import { noSignal } from "../../fakes/volumes.ts";

const [leaf, issuer] = ["leaf", "issuer"].map((name) => pemBlock("CERTIFICATE", Buffer.from(name))) as [string, string];
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const pemOf = (key: KeyObject, type: "pkcs8" | "pkcs1" | "sec1" = "pkcs8"): string =>
  key.export({ format: "pem", type } as { format: "pem"; type: "pkcs8" }) as string;
const parameters = pemBlock("EC PARAMETERS", Buffer.from("curve"));

async function part(key: TlsKey, contents: string | Uint8Array, pfx = createFakePfx()): Promise<string> {
  return Buffer.from(await tlsPart(Buffer.from(contents), key, pfx, noSignal)).toString("latin1");
}

describe("tls.crt is", () => {
  test.each([
    ["the certificates in their order, whatever stands between", `${leaf}${pemOf(rsa)}noise\n${issuer}`, leaf + issuer],
    ["a single certificate", issuer, issuer],
    ["the same with the line ends of another system", leaf.replaceAll("\n", "\r\n"), leaf],
    ["without attributes before the blocks", `Bag Attributes\n    localKeyID: 01\n${leaf}`, leaf],
  ])("%s", async (_name, text, expected) => {
    expect(await part("tls.crt", text)).toBe(expected);
  });
});

describe("tls.key is", () => {
  test.each([
    ["RSA as PKCS#1", `${pemOf(rsa)}${leaf}`, pemOf(rsa, "pkcs1")],
    ["an elliptic curve's as SEC1", `${leaf}${pemOf(ec)}`, pemOf(ec, "sec1")],
    ["the last of several", `${pemOf(rsa)}${pemOf(ec)}`, pemOf(ec, "sec1")],
    ["found before the curve's parameters", `${pemOf(ec, "sec1")}${parameters}`, pemOf(ec, "sec1")],
    ["found after the curve's parameters", `${parameters}${pemOf(ec, "sec1")}`, pemOf(ec, "sec1")],
  ])("%s", async (_name, text, expected) => {
    expect(await part("tls.key", text)).toBe(expected);
  });
});

describe("a PFX", () => {
  const bytes = Buffer.from([0x30, 0x82, 1, 2, 3]);
  const pfx = createFakePfx({ [bytes.toString("latin1")]: `${pemOf(rsa)}${leaf}${issuer}` });

  test.each([
    ["as bytes", bytes],
    ["in base64", bytes.toString("base64")],
    ["in base64 with line ends", `${bytes.toString("base64")}\r\n`],
  ])("%s is split as PEM is", async (_name, contents) => {
    expect(await part("tls.crt", contents, pfx)).toBe(leaf + issuer);
    expect(await part("tls.key", contents, pfx)).toBe(pemOf(rsa, "pkcs1"));
  });

  test("that cannot be decoded is told as its reader tells it", async () => {
    const error = new DriverError("ProviderError", "pkcs12: decryption password incorrect");
    await expect(part("tls.key", bytes, { toPem: () => Promise.reject(error) })).rejects.toBe(error);
  });
});

describe("a file is refused, unquoted,", () => {
  const neither = "it is neither PEM nor PFX: name a certificate, with objectType secret";
  const certificateless = "it holds no certificate: name a certificate of the vault";
  const keyless = "it holds no private key: use objectType secret, and a certificate whose key may be exported";
  const encrypted = "its private key is encrypted: import it without a password";
  const broken = "its private key cannot be parsed: import it anew";
  const encryptedPkcs8 = rsa.export({ format: "pem", type: "pkcs8", cipher: "aes-256-cbc", passphrase: "p" }) as string;
  const encryptedPkcs1 = rsa.export({ format: "pem", type: "pkcs1", cipher: "aes-256-cbc", passphrase: "p" }) as string;

  test.each([
    ["tls.crt", "hunter2!", neither],
    ["tls.key", "hunter2!", neither],
    ["tls.crt", pemOf(rsa), certificateless],
    ["tls.key", leaf, keyless],
    ["tls.key", `${leaf}${parameters}`, keyless],
    ["tls.key", encryptedPkcs8, encrypted],
    ["tls.key", encryptedPkcs1, encrypted],
    ["tls.key", pemBlock("PRIVATE KEY", Buffer.from("hunter2")), broken],
  ] as const)("as %s: %#", async (key, text, message) => {
    await expect(part(key, text)).rejects.toEqual(new DriverError("InvalidRequest", message));
  });

  test("as anything where a PFX holds nothing", async () => {
    await expect(part("tls.crt", "MDAw", createFakePfx({ "000": "" }))).rejects.toThrow(certificateless);
  });
});
