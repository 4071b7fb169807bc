import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { DriverError } from "../../../../src/errors.ts";
import { fetchContent } from "../../../../src/provider/azure/content.ts";
import type { KeyVaultObject } from "../../../../src/provider/azure/objects.ts";
import type { Vault } from "../../../../src/provider/azure/vault.ts";
import { createFakeVault, idOf } from "../../../fakes/azure-vault.ts";

const never = new AbortController().signal;
const secret1: KeyVaultObject = {
  kind: "secret",
  name: "secret1",
  version: "",
  path: "secret1",
  mode: 0o644,
  format: "pem",
  encoding: "utf-8",
};
const id = idOf("secrets", "secret1", "v1");
const keyId = idOf("keys", "secret1", "v1");
const plain = "objectType:secret, objectName:secret1, objectVersion:";

type Bundle = Parameters<typeof createFakeVault>[0][string];

/** The text of the one file that an object becomes. */
async function textOf(change: Partial<KeyVaultObject>, bundle: Bundle): Promise<string> {
  const object = { ...secret1, ...change };
  const content = await fetchContent(createFakeVault({ [`${object.kind}/secret1`]: bundle }), [object], never);
  return Buffer.from(content.files[0]?.contents ?? []).toString("utf8");
}

describe("a secret", () => {
  test.each(["hello", "", "ä\u0000\n", "  padded "])("%j is a file as it is", async (value) => {
    expect(await textOf({}, { id, value })).toBe(value);
  });
  test.each([
    ["base64", "QmFzZTY0RW5jb2RlZFN0cmluZw==", "Base64EncodedString"],
    ["hex", "486578456E636F646564537472696E67", "HexEncodedString"],
  ] as const)("in %s is a file of its bytes", async (encoding, value, text) => {
    expect(await textOf({ encoding }, { id, value })).toBe(text);
  });
  test("that backs a PEM certificate is verbatim, whatever the format", async () => {
    const bundle = { id, keyId, value: "-----BEGIN", contentType: "application/x-pem-file" };
    expect(await textOf({}, bundle)).toBe("-----BEGIN");
    expect(await textOf({ format: "pfx" }, bundle)).toBe("-----BEGIN");
  });
  test("that backs a PFX certificate stays base64 text, or becomes bytes by encoding", async () => {
    const bundle = { id, keyId, value: "aGVsbG8=", contentType: "application/x-pkcs12" };
    expect(await textOf({ format: "pfx" }, bundle)).toBe("aGVsbG8=");
    expect(await textOf({ format: "pfx", encoding: "base64" }, bundle)).toBe("hello");
  });
  test("without a key id is no certificate, whatever its content type", async () => {
    expect(await textOf({}, { id, keyId: "", value: "x", contentType: "application/x-pkcs12" })).toBe("x");
  });
  test.each<[string, Partial<KeyVaultObject>, Bundle, string]>([
    ["no value", {}, { id }, `secret value is nil (${plain})`],
    ["no id", {}, { value: "x" }, `secret id is nil (${plain})`],
    [
      "an id without a version",
      {},
      { value: "x", id: idOf("secrets", "a", "") },
      `secret id names no version (${plain})`,
    ],
    ["an id that is no address", {}, { value: "x", id: "v1" }, `secret id names no version (${plain})`],
    [
      "a foreign content type",
      {},
      { id, keyId, value: "x", contentType: "text/plain" },
      `failed to get ${plain}: failed to get certificate. unknown content type 'text/plain'`,
    ],
    [
      "no content type",
      {},
      { id, keyId, value: "x" },
      `failed to get ${plain}: failed to get certificate. unknown content type ''`,
    ],
    [
      "a PFX to be PEM",
      {},
      { id, keyId, value: "x", contentType: "application/x-pkcs12" },
      `failed to get ${plain}: PFX to PEM conversion is not supported by this version: ` +
        "set objectFormat: pfx, or issue the certificate with content type PEM",
    ],
    [
      "bad hex",
      { encoding: "hex" },
      { id, value: "zz" },
      `encoding/hex: invalid byte at position 0 (${plain}): check objectEncoding`,
    ],
    [
      "bad base64",
      { encoding: "base64" },
      { id, value: "invalid" },
      `illegal base64 data at input byte 4 (${plain}): check objectEncoding`,
    ],
  ])("with %s is an error", async (_, change, bundle, message) => {
    await expect(textOf(change, bundle)).rejects.toMatchObject({ reason: "ProviderError", message });
  });
});

describe("a key and a certificate", () => {
  test("a key is its public half in PEM", async () => {
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { crv = "", x = "", y = "" } = publicKey.export({ format: "jwk" });
    const key = { kid: keyId, kty: "EC-HSM", crv, x, y };
    expect(await textOf({ kind: "key" }, { key })).toBe(publicKey.export({ format: "pem", type: "spki" }));
  });
  test("a certificate is its DER in PEM, unread", async () => {
    const bundle = { id: idOf("certificates", "secret1", "v1"), cer: "dGVzdA==" };
    const pem = "-----BEGIN CERTIFICATE-----\ndGVzdA==\n-----END CERTIFICATE-----\n";
    expect(await textOf({ kind: "cert" }, bundle)).toBe(pem);
  });
  test.each<[string, KeyVaultObject["kind"], Bundle, string]>([
    ["a key without itself", "key", {}, "key value is nil"],
    ["a key without an id", "key", { key: { kty: "RSA" } }, "key id is nil"],
    ["a certificate without itself", "cert", { id }, "certificate value is nil"],
    ["a certificate without an id", "cert", { cer: "dGVzdA==" }, "certificate id is nil"],
  ])("%s is an error", async (_, kind, bundle, beginning) => {
    const message = `${beginning} (objectType:${kind}, objectName:secret1, objectVersion:)`;
    await expect(textOf({ kind }, bundle)).rejects.toMatchObject({ reason: "ProviderError", message });
  });
  test("a key of a foreign type is told under the object's name", async () => {
    await expect(textOf({ kind: "key" }, { key: { kid: keyId, kty: "oct-HSM" } })).rejects.toThrow(
      "failed to get objectType:key, objectName:secret1, objectVersion:: failed to get key. key type 'oct-HSM' currently not supported",
    );
  });
});

describe("fetchContent()", () => {
  const named = (name: string, change: Partial<KeyVaultObject> = {}): KeyVaultObject => ({
    ...secret1,
    name,
    path: name,
    ...change,
  });

  test("files and versions come in the order listed, with path, mode and the version that the vault gave", async () => {
    const vault = createFakeVault({
      "secret/a": { id: idOf("secrets", "a", "1"), value: "A" },
      "cert/b": { id: idOf("certificates", "b", "2"), cer: "" },
    });
    const objects = [named("b", { kind: "cert", path: "dir/b" }), named("a", { mode: 0o600, version: "asked" })];
    const content = await fetchContent(vault, objects, never);
    expect(content.files.map(({ path, mode }) => [path, mode])).toEqual([
      ["dir/b", 0o644],
      ["a", 0o600],
    ]);
    expect(content.versions).toEqual([
      { id: "cert/b", version: "2" },
      { id: "secret/a", version: "1" },
    ]);
    expect(vault.asked).toEqual(["cert/b/", "secret/a/asked"]);
  });
  test("all objects are asked for before any has come", async () => {
    const all = Promise.withResolvers<undefined>();
    let asked = 0;
    const vault: Vault = {
      ...createFakeVault({}),
      async secret(name) {
        if (++asked === 3) all.resolve(undefined);
        await all.promise;
        return { id: idOf("secrets", name, "1"), value: "" };
      },
    };
    expect(
      (
        await fetchContent(
          vault,
          ["a", "b", "c"].map((name) => named(name)),
          never,
        )
      ).files,
    ).toHaveLength(3);
  });
  test("of several failures the first listed is told, though it comes last", async () => {
    const second = Promise.withResolvers<undefined>();
    const vault: Vault = {
      ...createFakeVault({}),
      async secret(name) {
        if (name === "a") await second.promise;
        second.resolve(undefined);
        throw new DriverError("ProviderError", `no ${name}`);
      },
    };
    const told = fetchContent(vault, [named("a"), named("b")], never);
    await expect(told).rejects.toThrow("failed to get objectType:secret, objectName:a, objectVersion:: no a");
  });
  test("after a failure what still runs is ended", async () => {
    const ended = Promise.withResolvers<undefined>();
    const vault: Vault = {
      ...createFakeVault({}),
      async secret(name, _, signal) {
        if (name === "a") throw new DriverError("Throttled", "busy");
        signal.addEventListener("abort", () => {
          ended.resolve(undefined);
        });
        await ended.promise;
        throw new DriverError("DeadlineExceeded", "left");
      },
    };
    await expect(fetchContent(vault, [named("a"), named("b")], never)).rejects.toMatchObject({ reason: "Throttled" });
    await ended.promise;
  });
  test("the caller's signal reaches the vault", async () => {
    const caller = new AbortController();
    caller.abort();
    const vault: Vault = {
      ...createFakeVault({}),
      secret: (_, __, signal) => Promise.reject(new DriverError(signal.aborted ? "DeadlineExceeded" : "Busy", "left")),
    };
    await expect(fetchContent(vault, [named("a")], caller.signal)).rejects.toMatchObject({
      reason: "DeadlineExceeded",
    });
  });
});
