import { describe, expect, test } from "vitest";
import { resolveCloud } from "../../../../src/provider/azure/cloud.ts";
import { vaultAddress } from "../../../../src/provider/azure/vault-address.ts";

describe("vaultAddress()", () => {
  test.each(["kv1", "testkv", "Test-KV", "1-a", "a".repeat(24), "a--"])("%s is a vault name, kept as it is", (name) => {
    expect(vaultAddress(name, { vaultSuffix: "vault.azure.net" })).toEqual({
      name,
      url: `https://${name}.vault.azure.net/`,
    });
  });
  test.each([
    ["kv", "must be between 3 and 24 chars"],
    ["longkeyvaultnamewhichisnotvalid", "must be between 3 and 24 chars"],
    ["ä", "must be between 3 and 24 chars"],
    ["kv_test", "must match [-a-zA-Z0-9]{3,24}"],
    ["kv.test", "must match [-a-zA-Z0-9]{3,24}"],
    ["kv1\n", "must match [-a-zA-Z0-9]{3,24}"],
    ["ää", "must match [-a-zA-Z0-9]{3,24}"], // four bytes
  ])("%j is none", (name, rule) => {
    const message = `Invalid vault name: ${JSON.stringify(name)}, ${rule}`;
    expect(() => vaultAddress(name, { vaultSuffix: "vault.azure.net" })).toThrow(
      expect.objectContaining({ reason: "InvalidRequest", message }),
    );
  });
  test.each([
    ["AzurePublicCloud", "https://testkv.vault.azure.net/"],
    ["AZURECHINACLOUD", "https://testkv.vault.azure.cn/"],
    ["AZUREGERMANCLOUD", "https://testkv.vault.microsoftazure.de/"],
    ["AZUREUSGOVERNMENTCLOUD", "https://testkv.vault.usgovcloudapi.net/"],
  ])("in %s a vault is at %s, and a name that is none is none there too", async (name, url) => {
    const cloud = await resolveCloud({ name, file: "", kubeletRoot: "/var/lib/kubelet" });
    expect(vaultAddress("testkv", cloud).url).toBe(url);
    for (const none of ["longkeyvaultnamewhichisnotvalid", "kv", "kv_test"])
      expect(() => vaultAddress(none, cloud)).toThrow(/^Invalid vault name: /);
  });
  test.each(["vault.example.", "vault", "10.stack-1.example"])(
    "the suffix %s of a cloud file is taken as it is",
    (suffix) => {
      expect(vaultAddress("kv1", { vaultSuffix: suffix }).url).toBe(`https://kv1.${suffix}/`);
    },
  );
  test("a suffix may have a port", () => {
    expect(vaultAddress("kv1", { vaultSuffix: "vault.localhost:8443" }).url).toBe("https://kv1.vault.localhost:8443/");
  });
  test.each([
    "",
    "evil.example/x",
    "a@b",
    "a b",
    "x?y",
    ".vault.example",
    "vault..example",
    "v.example:99999",
    "1.2.3.4",
  ])("the suffix %j of a cloud file is no DNS name, and not quoted", (vaultSuffix) => {
    expect(() => vaultAddress("kv1", { vaultSuffix })).toThrow(
      /^keyVaultDNSSuffix of the cloud file must be a DNS name/,
    );
  });
});
