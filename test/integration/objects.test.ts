import { createPublicKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readRights } from "../../src/emulator/vault/access.ts";
import {
  certificateBag,
  craftPbmac1,
  craftPfx,
  endlessPfxs,
  garbagePart,
  pbes2,
  plainPart,
  shroudedKey,
  slowPart,
} from "../fakes/pfx-crafted.ts";
import { cannotOpenssl, consume, createWorkshop, pemOf, type KeyKind } from "../fakes/pfx.ts";
import { secretObject, startWorld, type PluginProcess, type World } from "../fakes/world.ts";

/** Any certificate: only its bytes matter. */
const testCertificate = [
  "MIIBejCCASGgAwIBAgIUPN4LFCNwM5p0FqCvQlQAfjtnebEwCgYIKoZIzj0EAwIwEjEQMA4GA1UEAwwHY3JhZnRlZDAgFw0yNjEx",
  "MjQxMjU5MDJaGA8yMTI2MTAzMTEyNTkwMlowEjEQMA4GA1UEAwwHY3JhZnRlZDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABIH7",
  "CDpas/Cs+OWtU1C9UVey09T33G+5/CSCCtpe+gp/ZCnvUIq+Dt65zfvJGpE0lJfJXvmyRGyhlD+x1tN0ciqjUzBRMB0GA1UdDgQW",
  "BBQaVni+VgjdH6JVJemw7lkPRIxLWzAfBgNVHSMEGDAWgBQaVni+VgjdH6JVJemw7lkPRIxLWzAPBgNVHRMBAf8EBTADAQH/MAoG",
  "CCqGSM49BAMCA0cAMEQCIAnp/unqSojGA1ie9fOPEXTJkwSrsh7c2mI5BR57VlwIAiAGySNzV6ByW28mH55jcsZk9TKTlLciklAO",
  "z480LHc/gw==",
].join("");
const pfxType = "application/x-pkcs12";

const cer = new X509Certificate(Buffer.from(testCertificate, "base64"));

describe("objects of a vault in the built program, with no other program to call and no temporary files", () => {
  let world: World;
  let plugin: PluginProcess;
  const workshop = createWorkshop();

  beforeAll(async () => {
    world = await startWorld();
    const nowhere = "/nonexistent";
    plugin = await world.startPlugin({
      command: [process.execPath, "dist/main.js"],
      env: { PATH: nowhere, TMPDIR: nowhere, HOME: nowhere },
    });
  });
  afterAll(async () => {
    workshop.close();
    expect(await plugin.stop()).toBe(0);
    await world.close();
  });

  const vault = () => world.emulator.vaults.named("demo-vault");
  const mount = async (pod: string, objects: string) => {
    await world.createPod({ pod, objects });
    const [target = ""] = await world.kubelet.publish(pod);
    return async (file: string): Promise<Buffer> => readFile(join(target, file));
  };
  /** A secret that backs a certificate. */
  const importPfx = (name: string, pfx: Buffer, certificate: X509Certificate): string =>
    vault().importCertificate(name, {
      certificatePem: certificate.toString(),
      secret: pfx.toString("base64"),
      contentType: pfxType,
    });
  const reported = async (pod: string): Promise<unknown> => (await world.podStatus(pod))?.["objects"];

  describe.skipIf(cannotOpenssl)(`a certificate that was imported as PFX${cannotOpenssl}`, () => {
    test.each<[KeyKind, string[]]>([
      ["RSA 2048", ["-legacy"]],
      ["RSA 4096", []],
      ["P-384", []],
      ["Ed25519", []],
    ])("(%s, flags %j) is PEM in order, and PFX where that is asked for", async (kind, flags) => {
      const name = kind.replaceAll(/\W/g, "").toLowerCase();
      const root = workshop.issue("root", "P-256");
      const middle = workshop.issue("middle", "P-256", root);
      const { key, certificate } = workshop.issue("leaf", kind, middle, "basicConstraints=CA:FALSE");
      const pfx = workshop.pack(key, [certificate, root.certificate, middle.certificate], flags);
      const version = importPfx(name, pfx, certificate);
      const read = await mount(
        name,
        `${secretObject(name)}${secretObject(name, { objectAlias: "raw.pfx", objectFormat: "pfx", objectEncoding: "base64" }).slice(7)}`,
      );
      const pem = String(await read(name));
      expect(pem).toBe([pemOf(key), certificate, middle.certificate, root.certificate].join(""));
      expect(consume(pem).key.equals(key)).toBe(true);
      expect(await read("raw.pfx")).toEqual(pfx);
      expect(await reported(name)).toEqual([{ id: `secret/${name}`, version }]);
    });
    test("is its leaf as cert, and the leaf's public key as key", async () => {
      const { key, certificate } = workshop.issue("three ways", "P-256");
      importPfx("ways", workshop.pack(key, [certificate], []), certificate);
      const read = await mount(
        "ways",
        "array:\n  - |\n    objectName: ways\n    objectType: cert\n    objectAlias: crt\n  - |\n    objectName: ways\n    objectType: key\n",
      );
      expect(String(await read("crt"))).toBe(certificate.toString());
      expect(createPublicKey(await read("ways")).equals(certificate.publicKey)).toBe(true);
    });
  });

  test("a history is the newest N versions, over pages of the vault's list", async () => {
    const made = Array.from({ length: 60 }, (_, n) =>
      vault().setSecret("rotated", `value ${n}`, { created: new Date(1_700_000_000_000 + n * 60_000) }),
    );
    vault().setEnabled("secrets", "rotated", false, made[58]);
    vault().allow(world.emulator.settings.demo.objectId, readRights);
    const read = await mount(
      "history",
      secretObject("rotated", { objectVersionHistory: "3", objectAlias: "dir/alias" }),
    );
    const files = await Promise.all(["0", "1", "2"].map(async (index) => String(await read(`dir/alias/${index}`))));
    expect(files).toEqual(["value 59", "value 57", "value 56"]);
    await expect(read("dir/alias/3")).rejects.toMatchObject({ code: "ENOENT" });
    expect(await reported("history")).toEqual(
      [59, 57, 56].map((n, index) => ({ id: `secret/rotated/${index}`, version: made[n] })),
    );
  });
  test("a history whose list is refused says which right is missing", async () => {
    const other = world.emulator.vaults.named("other-vault");
    other.allow(world.emulator.settings.demo.objectId, { secrets: ["get"] });
    other.setSecret("listless", "value");
    const objects = secretObject("listless", { objectVersionHistory: "2" });
    await world.createPod({ pod: "listless", objects, parameters: { keyvaultName: "other-vault" } });
    await expect(world.kubelet.publish("listless")).rejects.toMatchObject({
      code: 7,
      details: expect.stringMatching(
        /mount objects, error: GET https:.*\/secrets\/listless\/versions: RESPONSE 403.* allow the caller to list secrets/,
      ) as string,
    });
  });

  describe("what cannot be a file is told by the established beginning", () => {
    const beginning = "failed to mount objects, error: ";
    const object = (name: string, more = ""): string =>
      `array:\n  - |\n    objectName: ${name}\n    objectType: secret\n${more === "" ? "" : `    ${more}\n`}`;
    const named = (name: string): string => `failed to get objectType:secret, objectName:${name}, objectVersion:: `;
    beforeAll(() => {
      vault().setSecret("zz", "zz");
      const leaf = { certificatePem: String(cer), secret: "invalid" };
      vault().importCertificate("no-base64", { ...leaf, contentType: pfxType });
      vault().importCertificate("no-pfx", { ...leaf, secret: "aGVsbG8=", contentType: pfxType });
      vault().importCertificate("no-type", { ...leaf, contentType: "text/html" });
    });
    test.each([
      [
        "permission",
        object("zz", "filePermission: 0900"),
        `${named("zz")}file permission must be a valid octal number: strconv.ParseInt: parsing "0900": invalid syntax`,
      ],
      ["base64", object("no-base64"), `${named("no-base64")}illegal base64 data at input byte 4: the value is no PFX`],
      ["pfx", object("no-pfx"), `${named("no-pfx")}pkcs12: the value is no PFX, or a damaged one`],
      [
        "content-type",
        object("no-type"),
        `${named("no-type")}failed to get certificate. unknown content type 'text/html'`,
      ],
    ])("%s", async (pod, objects, message) => {
      await world.createPod({ pod: `told-${pod}`, objects });
      await expect(world.kubelet.publish(`told-${pod}`)).rejects.toMatchObject({
        details: expect.stringContaining(`${beginning}${message}`) as string,
      });
    });
  });

  describe("a crafted PFX", () => {
    const healthy = craftPfx([plainPart(certificateBag(cer.raw))]);

    test("with a huge iteration count is refused, and the pod beside it is mounted", async () => {
      const huge = 2 ** 31 - 1;
      const pfxs = {
        mac: craftPfx([], huge),
        pbmac1: craftPbmac1([], huge),
        part: craftPfx([garbagePart(pbes2(huge))]),
        nested: craftPfx([slowPart(1, shroudedKey(pbes2(huge)))]),
      };
      for (const [name, pfx] of Object.entries(pfxs)) importPfx(`crafted-${name}`, pfx, cer);
      importPfx("healthy", healthy, cer);
      for (const name of Object.keys(pfxs)) {
        await world.createPod({ pod: `crafted-${name}`, objects: secretObject(`crafted-${name}`) });
        const crafted = Promise.allSettled([world.kubelet.publish(`crafted-${name}`)]);
        const read = await mount(`beside-${name}`, secretObject("healthy"));
        expect(String(await read("healthy"))).toBe(cer.toString());
        const details = expect.stringContaining(
          `failed to mount objects, error: failed to get objectType:secret, objectName:crafted-${name}, objectVersion:: ` +
            "pkcs12: an iteration count is above the limit of 1000000",
        ) as string;
        expect(await crafted).toMatchObject([{ status: "rejected", reason: { code: 13, details } }]);
      }
    });
    test("by the score in one pod keep nobody waiting, and end with their caller", async () => {
      const names = endlessPfxs(20).map((pfx, n) => {
        importPfx(`endless-${n}`, pfx, cer);
        return `endless-${n}`;
      });
      importPfx("healthy-too", healthy, cer);
      importPfx("slow", craftPfx([slowPart(200_000, certificateBag(cer.raw))]), cer);
      const items = names.map((name) => `- '{objectName: ${name}, objectType: secret}'`);
      await world.createPod({ pod: "endless", objects: ["array:", ...items].join("\n") });
      const caller = new AbortController();
      let ended = false;
      const told = world.kubelet.publish("endless", { signal: caller.signal });
      told.catch(() => (ended = true));
      await expect.poll(() => vault().tally.counters().answers["GET /secrets/endless-19/ 200"]).toBe(1);
      for (let pod = 0; pod < 10; pod++) {
        const read = await mount(`quick-${pod}`, secretObject("healthy-too"));
        expect(String(await read("healthy-too"))).toBe(cer.toString());
      }
      expect(ended).toBe(false);
      caller.abort();
      await expect(told).rejects.toMatchObject({ code: 1 });
      // Their lane is free again for a PFX that only takes its time.
      expect(String(await (await mount("slow", secretObject("slow")))("slow"))).toBe(cer.toString());
    });
  });
});
