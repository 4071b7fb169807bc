import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nmiNowhere, tokenProxyNowhere } from "../../../fakes/azure-means.ts";
import { createFakeMetrics } from "../../../fakes/ports.ts";
import { createAzureProvider, type AzureProviderOptions } from "../../../../src/provider/azure/provider.ts";
import { createFakeVault, idOf } from "../../../fakes/azure-vault.ts";
import { cannotOpenssl, createWorkshop, pemOf as privateKeyPem, type Issued } from "../../../fakes/pfx.ts";
import { anyAge, noSignal } from "../../../fakes/volumes.ts";

const volume = {
  id: "v",
  targetPath: "/t",
  kubeletRoot: "/var/lib/kubelet",
  className: "c",
  pod: { namespace: "default", name: "web", uid: "u1" },
};
const secrets = { clientid: "c1", clientsecret: "s1" };

/** The files of one certificate-backed secret, and what was warned of. */
async function mountPfx(
  pfx: Buffer,
  options: Partial<AzureProviderOptions>,
  more = "",
): Promise<{ readonly files: Readonly<Record<string, string>>; readonly warnings: readonly string[] }> {
  const warnings: string[] = [];
  const bundle = {
    id: idOf("secrets", "tls", "v1"),
    keyId: idOf("keys", "tls", "v1"),
    value: pfx.toString("base64"),
    contentType: "application/x-pkcs12",
  };
  const vault = createFakeVault({ "secret/tls": bundle }, { "secrets/tls": [] });
  const logger = { warn: (message: string) => void warnings.push(message) };
  const provider = createAzureProvider({
    userAgent: "test",
    metrics: createFakeMetrics(),
    nmiUrl: nmiNowhere,
    tokenProxy: tokenProxyNowhere,
    openVault: () => vault,
    logger,
    ...options,
  });
  const objects = `array:\n- |\n  objectName: tls\n  objectType: secret\n  ${more}`;
  const parameters = { keyvaultName: "kv1", tenantID: "t1", objects };
  const content = await provider.fetch({ volume, parameters, credentials: { secrets } }, anyAge, noSignal);
  return { files: Object.fromEntries(content.files.map(({ path, contents }) => [path, String(contents)])), warnings };
}

describe.skipIf(cannotOpenssl)(`what the process was told about certificates${cannotOpenssl}`, () => {
  const workshop = createWorkshop();
  let made: { readonly root: Issued; readonly middle: Issued; readonly leaf: Issued };
  beforeAll(() => {
    const root = workshop.issue("root", "P-256");
    const middle = workshop.issue("middle", "P-256", root);
    made = { root, middle, leaf: workshop.issue("leaf", "P-256", middle, "basicConstraints=CA:FALSE") };
  });
  afterAll(() => {
    workshop.close();
  });
  type Name = keyof typeof made;
  /** A PFX of the leaf and others. */
  const pack = (...others: Name[]): Buffer =>
    workshop.pack(
      made.leaf.key,
      (["leaf", ...others] as const).map((name) => made[name].certificate),
      [],
    );
  const pemOf = (...names: Name[]): string => names.map((name) => String(made[name].certificate)).join("");
  const key = (): string => privateKeyPem(made.leaf.key);

  test("by default a PFX is one file, its chain in order", async () => {
    const { files, warnings } = await mountPfx(pack("root", "middle"), {});
    expect(files).toEqual({ tls: `${key()}${pemOf("leaf", "middle", "root")}` });
    expect(warnings).toEqual([]);
  });
  test("--construct-pem-chain=false leaves the order of the PFX", async () => {
    const { files } = await mountPfx(pack("root", "middle"), { constructPemChain: false });
    expect(files).toEqual({ tls: `${key()}${pemOf("leaf", "root", "middle")}` });
  });
  test("--write-cert-and-key-in-separate-files writes .crt and .key as well", async () => {
    const { files } = await mountPfx(pack("root", "middle"), { writeCertAndKeyInSeparateFiles: true });
    const chain = pemOf("leaf", "middle", "root");
    expect(Object.entries(files)).toEqual([
      ["tls.crt", chain],
      ["tls.key", key()],
      ["tls", `${key()}${chain}`],
    ]);
  });
  test("a chain that is not complete is warned of, with the object's name", async () => {
    const { files, warnings } = await mountPfx(pack("root"), {});
    expect(files).toEqual({ tls: `${key()}${pemOf("leaf", "root")}` });
    expect(warnings).toEqual([
      "certificate chain is not complete due to missing intermediate/root certificates in the cert from key vault: " +
        "objectType:secret, objectName:tls, objectVersion:",
    ]);
  });
  test("a history without a version to give is warned of", async () => {
    const { files, warnings } = await mountPfx(Buffer.from(""), {}, "objectVersionHistory: 2\n  objectVersion: v9");
    expect(files).toEqual({});
    expect(warnings).toEqual([
      "no enabled version for objectVersionHistory, so no file is written: objectType:secret, objectName:tls, objectVersion:v9",
    ]);
  });
});
