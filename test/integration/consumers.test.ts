import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { connect, createServer, type TlsOptions } from "node:tls";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cannotOpenssl, createWorkshop, pemOf, type Issued, type KeyKind } from "../fakes/pfx.ts";
import { startWorld, type PluginProcess, type World } from "../fakes/world.ts";

const kinds: readonly KeyKind[] = ["RSA 2048", "RSA 3072", "RSA 4096", "P-256", "P-384", "P-521", "Ed25519"];
const run = promisify(execFile);

/** The files of a certificate, as one pod has them. */
const objects = (name: string): string =>
  [
    "array:",
    ...[
      `{objectName: ${name}-pfx, objectType: secret, objectAlias: from-pfx}`,
      `{objectName: ${name}-pfx, objectType: secret, objectAlias: raw, objectFormat: pfx, objectEncoding: base64}`,
      `{objectName: ${name}-pem, objectType: secret, objectAlias: from-pem}`,
    ].map((item) => `- '${item}'`),
  ].join("\n");

describe.skipIf(cannotOpenssl)(`servers that read their certificate from a volume${cannotOpenssl}`, () => {
  const workshop = createWorkshop();
  let world: World;
  let plugin: PluginProcess;
  let root: Issued;
  let middle: Issued;

  beforeAll(async () => {
    world = await startWorld();
    plugin = await world.startPlugin({ flags: ["--write-cert-and-key-in-separate-files"] });
    root = workshop.issue("root", "P-256");
    middle = workshop.issue("middle", "P-256", root);
  });
  afterAll(async () => {
    workshop.close();
    await plugin.stop();
    await world.close();
  });

  /** A pod with a certificate of that kind; gives what its files hold. */
  async function mountCertificate(kind: KeyKind): Promise<(file: string) => Promise<Buffer>> {
    const name = kind.replaceAll(/\W/g, "").toLowerCase();
    const { key, certificate } = workshop.issue("leaf", kind, middle, "subjectAltName=DNS:leaf.test");
    const vault = world.emulator.vaults.named("demo-vault");
    const leaf = { certificatePem: certificate.toString() };
    // The root comes before its issue: the order is ours to mend in a PFX, and the importer's in PEM.
    const pfx = workshop.pack(key, [certificate, root.certificate, middle.certificate], []).toString("base64");
    const pem = [pemOf(key), certificate, middle.certificate].join("");
    vault.importCertificate(`${name}-pfx`, { ...leaf, secret: pfx, contentType: "application/x-pkcs12" });
    vault.importCertificate(`${name}-pem`, { ...leaf, secret: pem, contentType: "application/x-pem-file" });
    await world.createPod({ pod: name, objects: objects(name) });
    const [target = ""] = await world.kubelet.publish(name);
    return (file) => readFile(join(target, file));
  }

  /** A server of Node's, asked by openssl and by Node, who both know the root alone. */
  async function shakeHands(options: TlsOptions): Promise<void> {
    const server = createServer({ ...options, minVersion: "TLSv1.2" }, (socket) => socket.write("hello"));
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const ca = workshop.file("root.pem", root.certificate.toString());
    const asked = run("openssl", [
      ...["s_client", "-connect", `127.0.0.1:${port}`, "-CAfile", ca],
      ...["-verify_return_error", "-verify_hostname", "leaf.test", "-servername", "leaf.test"],
    ]);
    asked.child.stdin?.end();
    expect((await asked).stdout).toContain("Verify return code: 0 (ok)");
    const socket = connect({ port, host: "127.0.0.1", servername: "leaf.test", ca: root.certificate.toString() });
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect([String(answer), socket.authorized]).toEqual(["hello", true]);
    socket.destroy();
    server.close();
    await once(server, "close");
  }

  test.each(kinds)("%s: from PFX and from PEM, in one file and in two, and as PFX", async (kind) => {
    const read = await mountCertificate(kind);
    for (const file of ["from-pfx", "from-pem"]) {
      const both = await read(file);
      await shakeHands({ key: both, cert: both });
      await shakeHands({ key: await read(`${file}.key`), cert: await read(`${file}.crt`) });
    }
    await shakeHands({ pfx: await read("raw"), passphrase: "" });
  });
});
