import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import { pemBlock } from "../../../src/formats/pem.ts";
import type { SecretObject } from "../../../src/model.ts";
import { checkSecretObject, secretDataOf, type TypedData } from "../../../src/sync/secret-data.ts";
import { contentOf } from "../../fakes/ports.ts";
import { createFakePfx } from "../../fakes/secrets.ts";
import { noSignal } from "../../fakes/volumes.ts";

const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const certificate = pemBlock("CERTIFICATE", Buffer.from("leaf"));
const texts = {
  password: "hunter2",
  "dir/name": "root",
  json: '{"auths":{}}',
  bundle: `${key.export({ format: "pem", type: "pkcs8" }) as string}${certificate}`,
};
const { files } = contentOf(texts);
const base: SecretObject = { secretName: "db", type: "", labels: {}, annotations: {}, data: [] };

/** `data` as `objectName: key`. */
function objectWith(type: string, ...entries: readonly (readonly [objectName: string, key: string])[]): SecretObject {
  return { ...base, type, data: entries.map(([objectName, key]) => ({ objectName, key })) };
}

function dataOf(object: SecretObject): Promise<TypedData> {
  return secretDataOf(object, { files, pfx: createFakePfx() }, noSignal);
}

function textsOf({ data }: TypedData): Record<string, string> {
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, Buffer.from(value).toString()]));
}

describe("a Secret of type", () => {
  test.each([
    ["", "Opaque"],
    ["Opaque", "Opaque"],
    ["example.org/own", "example.org/own"],
  ])("'%s' is %s and takes any key", async (type, expected) => {
    const typed = await dataOf(objectWith(type, ["password", "a"], ["dir/name", "b_-."]));
    expect([typed.type, textsOf(typed)]).toEqual([expected, { a: "hunter2", "b_-.": "root" }]);
  });

  test.each([
    ["kubernetes.io/basic-auth", "password", "password"],
    ["kubernetes.io/basic-auth", "dir/name", "username"],
    ["kubernetes.io/ssh-auth", "password", "ssh-privatekey"],
    ["kubernetes.io/dockerconfigjson", "json", ".dockerconfigjson"],
    ["kubernetes.io/dockercfg", "json", ".dockercfg"],
  ] as const)("%s has the file %s as it is, under %s", async (type, objectName, name) => {
    expect(textsOf(await dataOf(objectWith(type, [objectName, name])))).toEqual({ [name]: texts[objectName] });
  });

  test("kubernetes.io/tls has certificate and key of one file", async () => {
    const typed = await dataOf(objectWith("kubernetes.io/tls", ["bundle", "tls.crt"], ["bundle", "tls.key"]));
    expect(textsOf(typed)).toEqual({ "tls.crt": certificate, "tls.key": key.export({ format: "pem", type: "sec1" }) });
  });
});

test("of two entries with one key the later counts", async () => {
  expect(textsOf(await dataOf(objectWith("", ["password", "a"], ["dir/name", "a"])))).toEqual({ a: "root" });
});

test("bytes of a file are the value, whatever they are, under whatever key Kubernetes takes", async () => {
  const keys = fc.stringMatching(/^[-._a-zA-Z0-9]{1,20}$/).filter((name) => name !== "." && !name.startsWith(".."));
  const named = fc.tuple(fc.constantFrom("__proto__", "constructor", "a"), fc.uint8Array());
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(keys, fc.uint8Array()), { selector: ([name]) => name }),
      named,
      async (some, one) => {
        const all = new Map([...some, one]);
        const inFiles = [...all].map(([path, contents]) => ({ path, mode: 0o644, contents }));
        const object = objectWith("", ...[...all.keys()].map((name) => [name, name] as const));
        const { data } = await secretDataOf(object, { files: inFiles, pfx: createFakePfx() }, noSignal);
        expect(new Map(Object.entries(data))).toEqual(all);
      },
    ),
  );
});

describe("a Secret cannot be made, since", () => {
  test.each([
    [
      ["nope", "a"],
      "",
      "file matching objectName nope not found in the pod: it must be the objectName of an object of the class, or its objectAlias if it has one",
    ],
    [["", "a"], "", "object name in secretObjects.data is empty: set objectName"],
    [["password", ""], "", "key in secretObjects.data is empty: set key"],
    [
      ["password", "a/b"],
      "",
      'key "a/b" in secretObjects.data is none that Kubernetes takes: use letters, digits, "-", "_" and "."',
    ],
    [
      ["password", ".."],
      "",
      'key ".." in secretObjects.data is none that Kubernetes takes: use letters, digits, "-", "_" and "."',
    ],
    [["bundle", "cert"], "kubernetes.io/tls", "tls key cert is not supported. Only tls.key and tls.crt are supported"],
    [["bundle", "tls.crt"], "kubernetes.io/tls", "type kubernetes.io/tls needs key tls.key: add it to data"],
    [
      ["password", "tls.crt"],
      "kubernetes.io/tls",
      "failed to get cert data from file password, err: it is neither PEM nor PFX: name a certificate, with objectType secret",
    ],
    [
      ["password", "a"],
      "kubernetes.io/basic-auth",
      "type kubernetes.io/basic-auth needs key username or password: add it to data",
    ],
    [
      ["password", "a"],
      "kubernetes.io/ssh-auth",
      "type kubernetes.io/ssh-auth needs key ssh-privatekey: add it to data",
    ],
    [
      ["password", ".dockerconfigjson"],
      "kubernetes.io/dockerconfigjson",
      "type kubernetes.io/dockerconfigjson needs JSON in key .dockerconfigjson: correct the object in the vault",
    ],
  ] as const)("%j of type '%s': %s", async (entry, type, message) => {
    await expect(dataOf(objectWith(type, entry))).rejects.toEqual(new DriverError("InvalidRequest", message));
  });

  test.each([
    [1024 * 1024, true],
    [1024 * 1024 + 1, false],
  ])("a Secret holds at most a mebibyte: %i bytes", async (length, fits) => {
    const half = { path: "a", mode: 0o644, contents: new Uint8Array(length - 1) };
    const rest = { path: "b", mode: 0o644, contents: new Uint8Array(1) };
    const made = secretDataOf(
      objectWith("", ["a", "a"], ["b", "b"]),
      { files: [half, rest], pfx: createFakePfx() },
      noSignal,
    );
    if (fits) expect(Object.keys((await made).data)).toEqual(["a", "b"]);
    else
      await expect(made).rejects.toThrow("the Secret would hold 1048577 bytes, more than Kubernetes' limit of 1048576");
  });
});

describe("an entry of secretObjects", () => {
  const valid = objectWith("", ["a", "a"]);

  test("names a Secret, a type and data", () => {
    expect(() => {
      checkSecretObject(valid, false);
    }).not.toThrow();
  });

  test.each([
    [{ secretName: "" }, "secret name is empty: set secretName"],
    [{ data: [] }, "data is empty: name an object and its key"],
    [
      { secretName: "My_Secret" },
      'secret name "My_Secret" is none that Kubernetes takes: use lower case letters, digits, "-" and "."',
    ],
    [
      { secretName: "../pods/a" },
      'secret name "../pods/a" is none that Kubernetes takes: use lower case letters, digits, "-" and "."',
    ],
  ])("with %j is refused", (fields, message) => {
    expect(() => {
      checkSecretObject({ ...valid, ...fields }, false);
    }).toThrow(new DriverError("InvalidRequest", message));
  });

  test.each(["a", "a".repeat(253), "a.b-c.d0"])("may name the Secret %s", (secretName) => {
    expect(() => {
      checkSecretObject({ ...valid, secretName }, false);
    }).not.toThrow();
  });

  test("names it by 253 characters at most", () => {
    expect(() => {
      checkSecretObject({ ...valid, secretName: "a".repeat(254) }, false);
    }).toThrow("secret name");
  });

  test.each(["kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"])(
    "of type %s is refused unless such are allowed",
    (type) => {
      const token = { ...valid, type };
      expect(() => {
        checkSecretObject(token, true);
      }).not.toThrow();
      expect(() => {
        checkSecretObject(token, false);
      }).toThrow(
        `type ${type} gives rights in the cluster and is refused: use another type, ` +
          "or set secrets-store-csi-driver.syncSecret.allowTokenTypes=true in the chart's values",
      );
    },
  );
});
