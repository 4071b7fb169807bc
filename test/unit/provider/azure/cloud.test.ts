import { execFileSync } from "node:child_process";
import { mkdtemp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { customCloud } from "../../../fakes/azure-means.ts";
import { isCloudName, resolveCloud, type Cloud } from "../../../../src/provider/azure/cloud.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "cloud-"));
  await mkdir(join(dir, "kubelet"));
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

const resolve = (name: string, file = ""): Promise<Cloud> =>
  resolveCloud({ name, file, kubeletRoot: join(dir, "kubelet") });

async function stack(content: unknown, file = "cloud.json"): Promise<Cloud> {
  const path = join(dir, file);
  await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
  return resolve("AzureStackCloud", path);
}

describe("resolveCloud()", () => {
  test.each([
    ["AzurePublicCloud", "https://login.microsoftonline.com/", "vault.azure.net"],
    ["AzureCloud", "https://login.microsoftonline.com/", "vault.azure.net"],
    ["azurecloud", "https://login.microsoftonline.com/", "vault.azure.net"],
    ["AzureUSGovernmentCloud", "https://login.microsoftonline.us/", "vault.usgovcloudapi.net"],
    ["AZUREUSGOVERNMENTCLOUD", "https://login.microsoftonline.us/", "vault.usgovcloudapi.net"],
    ["AzureUSGovernment", "https://login.microsoftonline.us/", "vault.usgovcloudapi.net"],
    ["AzureChinaCloud", "https://login.chinacloudapi.cn/", "vault.azure.cn"],
    ["AzureGermanCloud", "https://login.microsoftonline.de/", "vault.microsoftazure.de"],
  ])("%s is built in", async (name, authorityHost, vaultSuffix) => {
    expect(isCloudName(name)).toBe(true);
    expect(await resolve(name)).toEqual({
      authorityHost,
      vaultSuffix,
      keyVaultEndpoint: `https://${vaultSuffix}/`,
      custom: false,
    });
  });
  test("AzureStackCloud is a name, what is misspelled is none", () => {
    expect(["AzureStackCloud", "azurestackcloud", "", "AzureCloud1"].map(isCloudName)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
  test("an unknown name is told in upper case", async () => {
    await expect(resolve("AzureCloud1")).rejects.toMatchObject({
      reason: "InvalidRequest",
      message:
        'cloudName AzureCloud1 is not valid, error: autorest/azure: There is no cloud environment matching the name "AZURECLOUD1"',
    });
  });
  test("AzureStackCloud is what its file says, keys in any case", async () => {
    const file = {
      ActiveDirectoryEndpoint: "https://login.example/",
      KEYVAULTDNSSUFFIX: "vault.example",
      keyvaultendpoint: "https://vault.example/",
      other: { a: 1 },
    };
    const cloud = customCloud("https://login.example/", "vault.example");
    expect(await stack(file)).toEqual(cloud);
  });
  test("what the file leaves out is empty, the authority that of the public cloud", async () => {
    const cloud = { ...customCloud("https://login.microsoftonline.com/", ""), keyVaultEndpoint: "" };
    expect(await stack({ name: "mine" })).toEqual(cloud);
  });
});

describe("the cloud file", () => {
  const forbidden = "a cloud file must not lie below kubelet's directory, /proc, /sys, /dev or /var/run/secrets";
  const refused = (path: string, why: string): object => ({
    reason: "InvalidRequest",
    message: `cloudName AzureStackCloud is not valid, error: open ${path}: ${why}`,
  });

  test.each(["", "/nowhere/cloud.json"])("%j does not exist", async (path) => {
    await expect(resolve("AzureStackCloud", path)).rejects.toMatchObject(refused(path, "no such file or directory"));
  });
  test("a directory is no file", async () => {
    await expect(resolve("AzureStackCloud", dir)).rejects.toMatchObject(refused(dir, "not a regular file"));
  });
  test("a FIFO is refused at once, without waiting for a writer", async () => {
    const path = join(dir, "fifo");
    execFileSync("/usr/bin/mkfifo", [path]);
    await expect(resolve("AzureStackCloud", path)).rejects.toMatchObject(refused(path, "not a regular file"));
  });
  test("64 KiB are read, more are not", async () => {
    const padded = (size: number): string => JSON.stringify({ keyVaultDNSSuffix: "v.example" }).padEnd(size);
    expect(await stack(padded(65_536))).toMatchObject({ vaultSuffix: "v.example" });
    await expect(stack(padded(65_537))).rejects.toThrow("must not be larger than 64 KiB");
  });
  test.each([
    "/proc/self/environ",
    "/sys/kernel/notes",
    "/dev/null",
    "/proc/self/root/etc/passwd",
    "/etc/../proc/version",
  ])("%s is out of bounds", async (path) => {
    await expect(resolve("AzureStackCloud", path)).rejects.toMatchObject(refused(path, forbidden));
  });
  test("a file of another pod's volume is out of bounds, by a link too", async () => {
    const inside = join(dir, "kubelet", "token");
    await writeFile(inside, "{}");
    const link = join(dir, "link.json");
    await symlink(inside, link);
    for (const path of [inside, link]) {
      await expect(resolve("AzureStackCloud", path)).rejects.toMatchObject(refused(path, forbidden));
    }
  });
  test("a kubelet directory that is itself a link is out of bounds under both names", async () => {
    await symlink(join(dir, "kubelet"), join(dir, "root"));
    const path = join(dir, "kubelet", "a.json");
    await writeFile(path, "{}");
    const choice = { name: "AzureStackCloud", file: path, kubeletRoot: join(dir, "root") };
    await expect(resolveCloud(choice)).rejects.toThrow(forbidden);
  });
  test("a link to a file elsewhere is followed", async () => {
    await writeFile(join(dir, "real.json"), '{"keyVaultDNSSuffix":"v.example"}');
    await symlink("real.json", join(dir, "link.json"));
    expect(await resolve("AzureStackCloud", join(dir, "link.json"))).toMatchObject({ vaultSuffix: "v.example" });
  });
  test.each([
    ["no JSON", "root:x:0:0:secret"],
    ["a list", '["secret"]'],
    ["a number for a text", '{"keyVaultDNSSuffix": 31337}'],
  ])("%s is refused without being quoted", async (_, content) => {
    const error: unknown = await stack(content).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ reason: "InvalidRequest" });
    expect(String(error)).not.toMatch(/secret|root:|31337/);
  });
});
