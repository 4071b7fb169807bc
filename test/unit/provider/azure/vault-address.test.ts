import { describe, expect, test } from "vitest";
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
  test("a suffix may have a port", () => {
    expect(vaultAddress("kv1", { vaultSuffix: "vault.localhost:8443" }).url).toBe("https://kv1.vault.localhost:8443/");
  });
  test.each(["", "evil.example/x", "a@b", "a b", "x?y"])(
    "the suffix %j of a cloud file is no DNS name, and not quoted",
    (vaultSuffix) => {
      expect(() => vaultAddress("kv1", { vaultSuffix })).toThrow(
        /^keyVaultDNSSuffix of the cloud file must be a DNS name/,
      );
    },
  );
});
