import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { DriverError } from "../../../../src/errors.ts";
import { fetchContent, type ContentSources } from "../../../../src/provider/azure/content.ts";
import { pemBlock } from "../../../../src/formats/pem.ts";
import type { KeyVaultObject } from "../../../../src/provider/azure/objects.ts";
import type { Vault } from "../../../../src/provider/azure/vault.ts";
import { createFakeVault, idOf } from "../../../fakes/azure-vault.ts";

const never = new AbortController().signal;
const secret1: KeyVaultObject = {
  kind: "secret",
  name: "secret1",
  version: "",
  history: 0,
  path: "secret1",
  mode: 0o644,
  format: "pem",
  encoding: "utf-8",
};
const id = idOf("secrets", "secret1", "v1");
const keyId = idOf("keys", "secret1", "v1");
const plain = "objectType:secret, objectName:secret1, objectVersion:";

const from = (vault: Vault, change: Partial<ContentSources> = {}): ContentSources => ({
  vault,
  openPfxReader: () => (value) => Promise.resolve({ pem: `PEM of ${value}`, complete: true }),
  separateFiles: false,
  onIncompleteChain: () => expect.fail("incomplete"),
  onNoVersion: () => expect.fail("no version"),
  ...change,
});

type Bundle = Parameters<typeof createFakeVault>[0][string];

/** The text of the one file that an object becomes. */
async function textOf(change: Partial<KeyVaultObject>, bundle: Bundle): Promise<string> {
  const object = { ...secret1, ...change };
  const content = await fetchContent(from(createFakeVault({ [`${object.kind}/secret1`]: bundle })), [object], never);
  return Buffer.from(content.files[0]?.contents ?? []).toString("utf8");
}

describe("a secret", () => {
  test.each(["abcdefg", "", "ä\u0000\u001b\n", "  padded "])("%j is a file as it is", async (value) => {
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
  test("that backs a PFX certificate is PEM otherwise", async () => {
    expect(await textOf({}, { id, keyId, value: "x", contentType: "application/x-pkcs12" })).toBe("PEM of x");
  });
  test("whose PFX cannot be read is told under its name", async () => {
    const openPfxReader = () => () => Promise.reject(new DriverError("ProviderError", "no leaf found"));
    const vault = createFakeVault({ "secret/secret1": { id, keyId, value: "x", contentType: "application/x-pkcs12" } });
    await expect(fetchContent(from(vault, { openPfxReader }), [secret1], never)).rejects.toThrow(
      `failed to get ${plain}: no leaf found`,
    );
  });
  test("whose chain is not complete is a file, and is told", async () => {
    const told: string[] = [];
    const vault = createFakeVault({ "secret/secret1": { id, keyId, value: "x", contentType: "application/x-pkcs12" } });
    const content = await fetchContent(
      from(vault, {
        openPfxReader: () => () => Promise.resolve({ pem: "half", complete: false }),
        onIncompleteChain: ({ name }) => void told.push(name),
      }),
      [secret1],
      never,
    );
    expect([content.files.length, told]).toEqual([1, ["secret1"]]);
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
    const content = await fetchContent(from(vault), objects, never);
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
  test("one object under two names is two files, reported twice by one id", async () => {
    const vault = createFakeVault({ "secret/a": { id: idOf("secrets", "a", "1"), value: "A" } });
    const content = await fetchContent(from(vault), [named("a"), named("a", { path: "alias" })], never);
    expect(content.files.map(({ path }) => path)).toEqual(["a", "alias"]);
    expect(content.versions).toEqual(Array(2).fill({ id: "secret/a", version: "1" }));
  });
  test("a mount has one PFX reader of its own", async () => {
    let opened = 0;
    const openPfxReader = () => {
      opened++;
      return () => Promise.resolve({ pem: "", complete: true });
    };
    const bundle = { id, keyId, value: "x", contentType: "application/x-pkcs12" };
    const vault = createFakeVault({ "secret/a": bundle, "secret/b": bundle });
    await fetchContent(from(vault, { openPfxReader }), [named("a"), named("b")], never);
    expect(opened).toBe(1);
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
          from(vault),
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
    const told = fetchContent(from(vault), [named("a"), named("b")], never);
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
    await expect(fetchContent(from(vault), [named("a"), named("b")], never)).rejects.toMatchObject({
      reason: "Throttled",
    });
    await ended.promise;
  });
  test("the caller's signal reaches the vault", async () => {
    const caller = new AbortController();
    caller.abort();
    const vault: Vault = {
      ...createFakeVault({}),
      secret: (_, __, signal) => Promise.reject(new DriverError(signal.aborted ? "DeadlineExceeded" : "Busy", "left")),
    };
    await expect(fetchContent(from(vault), [named("a")], caller.signal)).rejects.toMatchObject({
      reason: "DeadlineExceeded",
    });
  });
});

describe("a history", () => {
  const item = (collection: string, version: string, created: number): object => ({
    ...{ id: idOf(collection, "secret1", version), attributes: { created } },
  });
  test("is a file and a version for each, the newest first", async () => {
    const vault: Vault = {
      ...createFakeVault({}, { "secrets/secret1": [item("secrets", "old", 1), item("secrets", "new", 2)] }),
      secret: (name, version) => Promise.resolve({ id: idOf("secrets", name, version), value: `is ${version}` }),
    };
    const content = await fetchContent(from(vault), [{ ...secret1, history: 2, path: "dir/alias" }], never);
    expect(content.files.map(({ path, contents }) => `${path}: ${String(contents)}`)).toEqual([
      "dir/alias/0: is new",
      "dir/alias/1: is old",
    ]);
    expect(content.versions).toEqual([
      { id: "secret/secret1/0", version: "new" },
      { id: "secret/secret1/1", version: "old" },
    ]);
  });
  test("without a version to give is no file and no error, and is told", async () => {
    const told: string[] = [];
    const sources = from(createFakeVault({}, { "secrets/secret1": [] }), {
      onNoVersion: ({ name }) => void told.push(name),
    });
    const content = await fetchContent(sources, [{ ...secret1, history: 2, version: "v9" }], never);
    expect([content, told]).toEqual([{ files: [], versions: [] }, ["secret1"]]);
  });
  test("together with others of more than 500 versions is refused before they are fetched", async () => {
    const list = Array.from({ length: 100 }, (_, n) => item("secrets", `v${n}`, n));
    const vault = createFakeVault({}, { "secrets/secret1": list });
    const objects = Array.from({ length: 6 }, () => ({ ...secret1, history: 100 }));
    await expect(fetchContent(from(vault), objects, never)).rejects.toMatchObject({
      reason: "InvalidRequest",
      message: expect.stringContaining("600 versions, more than the limit of 500") as string,
    });
    expect(new Set(vault.asked)).toEqual(new Set(["secrets/secret1/versions"]));
  });
});

describe("split certificate and key files", () => {
  const block = (label: string, text: string): string => pemBlock(label, Buffer.from(text));
  const [key, leaf, root] = [block("PRIVATE KEY", "k"), block("CERTIFICATE", "l"), block("CERTIFICATE", "r")];
  const filesOf = async (
    value: string,
    contentType: string,
    change: Partial<KeyVaultObject> = {},
  ): Promise<readonly (readonly [path: string, text: string])[]> => {
    const vault = createFakeVault({ "secret/secret1": { id, keyId, value, contentType } });
    const content = await fetchContent(from(vault, { separateFiles: true }), [{ ...secret1, ...change }], never);
    expect(content.versions).toEqual(content.files.map(() => ({ id: "secret/secret1", version: "v1" })));
    return content.files.map(({ path, contents }) => [path, String(contents)]);
  };
  const pemType = "application/x-pem-file";

  test.each([
    ["key and certificate", `${key}${leaf}`, leaf, key],
    ["a chain before its key", `${leaf}${root}${key}`, `${leaf}${root}`, key],
    [
      "what is neither",
      `${block("EC PARAMETERS", "p")}${leaf}${key}${block("TRUSTED CERTIFICATE", "t")}`,
      leaf,
      `${block("EC PARAMETERS", "p")}${key}${block("TRUSTED CERTIFICATE", "t")}`,
    ],
    ["no PEM", "hello", "", ""],
    ["text between, CR LF", `note\r\n${leaf.replaceAll("\n", "\r\n")}`, leaf, ""],
  ])("%s: .crt, .key and the whole, in that order", async (_, value, certificates, others) => {
    expect(await filesOf(value, pemType)).toEqual([
      ["secret1.crt", certificates],
      ["secret1.key", others],
      ["secret1", value],
    ]);
  });
  test("of a PFX that stays one are empty", async () => {
    expect(await filesOf("aGVsbG8=", "application/x-pkcs12", { format: "pfx", encoding: "base64" })).toEqual([
      ["secret1.crt", ""],
      ["secret1.key", ""],
      ["secret1", "hello"],
    ]);
  });
  test("are none of a plain secret, a key or a certificate", async () => {
    const vault = createFakeVault({ "secret/secret1": { id, value: leaf }, "cert/secret1": { id, cer: "dGVzdA==" } });
    const objects = [secret1, { ...secret1, kind: "cert", path: "cert" } as const];
    const content = await fetchContent(from(vault, { separateFiles: true }), objects, never);
    expect(content.files.map(({ path }) => path)).toEqual(["secret1", "cert"]);
  });
  test("stand behind the index of a history", async () => {
    const lists = { "secrets/secret1": [{ id, attributes: { created: 1 } }] };
    const vault = createFakeVault({ "secret/secret1": { id, keyId, value: leaf, contentType: pemType } }, lists);
    const object = { ...secret1, history: 2, path: "cert" };
    const content = await fetchContent(from(vault, { separateFiles: true }), [object], never);
    expect(content.files.map(({ path }) => path)).toEqual(["cert/0.crt", "cert/0.key", "cert/0"]);
    expect(content.versions.map((version) => version.id)).toEqual(Array(3).fill("secret/secret1/0"));
  });
});
