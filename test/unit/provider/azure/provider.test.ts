import dns from "node:dns";
import { syncBuiltinESMExports } from "node:module";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DriverError } from "../../../../src/errors.ts";
import type { Content, Credentials } from "../../../../src/model.ts";
import { createAzureProvider, type AzureProviderOptions } from "../../../../src/provider/azure/provider.ts";
import type { OpenVault } from "../../../../src/provider/azure/vault.ts";
import { anyAge, noSignal } from "../../../fakes/volumes.ts";
import { customCloud, nmiNowhere, tokenProxyNowhere } from "../../../fakes/azure-means.ts";
import { createFakeMetrics } from "../../../fakes/ports.ts";
import { createFakeVault, idOf } from "../../../fakes/azure-vault.ts";
import { startScriptedAzure } from "../../../fakes/vault-script-server.ts";

const means = { userAgent: "test", metrics: createFakeMetrics(), nmiUrl: nmiNowhere, tokenProxy: tokenProxyNowhere };
const item = "array: ['{objectName: secret1, objectType: secret}']";
const valid = { keyvaultName: "kv1", tenantID: "t1", objects: item };
const secrets = { clientid: "c1", clientsecret: "s1" };
const vault = createFakeVault({ "secret/secret1": { id: idOf("secrets", "secret1", "v1"), value: "hello" } });
const volume = {
  id: "v",
  targetPath: "/t",
  kubeletRoot: "/var/lib/kubelet",
  className: "c",
  pod: { namespace: "default", name: "web", uid: "u1" },
};

async function fetchFrom(
  parameters: Record<string, string>,
  credentials: Credentials = { secrets },
  options: Partial<AzureProviderOptions> = {},
): Promise<Content> {
  const provider = createAzureProvider({ ...means, openVault: () => vault, ...options });
  return provider.fetch({ volume, parameters, credentials }, anyAge, noSignal);
}

describe("the Azure provider", () => {
  test("makes files of a class and its credentials", async () => {
    const content = await fetchFrom(valid);
    expect(content.versions).toEqual([{ id: "secret/secret1", version: "v1" }]);
    expect(content.files).toEqual([{ path: "secret1", mode: 0o644, contents: Buffer.from("hello") }]);
  });
  test("opens the vault of the class under its identity", async () => {
    const opened: Parameters<OpenVault>[] = [];
    const openVault: OpenVault = (...asked) => {
      opened.push(asked);
      return vault;
    };
    await fetchFrom({ ...valid, cloudName: "AzureChinaCloud" }, { secrets }, { openVault });
    const cloud = { ...customCloud("https://login.chinacloudapi.cn/", "vault.azure.cn"), custom: false };
    const principal = { kind: "servicePrincipal", tenantId: "t1", clientId: "c1", clientSecret: "s1", cloud };
    expect(opened).toEqual([[{ name: "kv1", url: "https://kv1.vault.azure.cn/" }, principal, anyAge]]);
  });
  test("takes cloud and cloud file of the process where the class names none", async () => {
    const options = { cloudName: "AzureStackCloud", cloudEnvFile: "/nowhere/process.json" };
    await expect(fetchFrom(valid, { secrets }, options)).rejects.toThrow("open /nowhere/process.json");
    const own = { ...valid, cloudEnvFileName: "/nowhere/class.json" };
    await expect(fetchFrom(own, { secrets }, options)).rejects.toThrow("open /nowhere/class.json");
    expect(await fetchFrom({ ...valid, cloudName: "AzurePublicCloud" }, { secrets }, options)).toBeDefined();
  });
  test("has nothing for a class without objects, and does not look at the vault's name", async () => {
    expect(await fetchFrom({ ...valid, keyvaultName: "kv", objects: "array: []" })).toEqual({
      files: [],
      versions: [],
    });
  });
  test("asks the network where no vault is given", async () => {
    const provider = createAzureProvider(means);
    const request = { volume, parameters: { ...valid, tenantID: "not a tenant" }, credentials: { secrets } };
    await expect(provider.fetch(request, anyAge, noSignal)).rejects.toThrow(
      "failed to mount objects, error: failed to get keyvault client: invalid tenantID. You can locate your tenantID",
    );
  });
  test("an error that nobody foresaw keeps its own face", async () => {
    const openVault = (): never => {
      throw new TypeError("oops");
    };
    await expect(fetchFrom(valid, { secrets }, { openVault })).rejects.toThrow(new TypeError("oops"));
  });
});

describe("messages that users know (azure-provider appendix A)", () => {
  const noObjects = { keyvaultName: "kv1", tenantID: "t1" };
  const boolError = 'failed to parse usePodIdentity flag, error: strconv.ParseBool: parsing "tru": invalid syntax';
  const modes =
    "only one identity mode can be enabled at a time: usePodIdentity, useVMManagedIdentity, or useAzureTokenProxy";
  const badFormat = "array: ['{objectName: secret1, objectType: secret, objectFormat: pkcs}']";
  const badType = "array: ['{objectName: secret1, objectType: Secret}']";
  const named = "failed to get objectType:secret, objectName:secret1, objectVersion:: ";

  test.each<[string, Record<string, string>, Credentials, string]>([
    ["nothing", {}, {}, "keyvaultName is not provided"],
    ["a vault only", { keyvaultName: "kv1" }, {}, "tenantId is not provided"],
    ["usePodIdentity tru", { usePodIdentity: "tru" }, {}, boolError],
    ["two modes", { usePodIdentity: "true", useVMManagedIdentity: "true" }, {}, modes],
    [
      "AzureCloud1",
      { ...noObjects, cloudName: "AzureCloud1" },
      {},
      'cloudName AzureCloud1 is not valid, error: autorest/azure: There is no cloud environment matching the name "AZURECLOUD1"',
    ],
    [
      "a missing cloud file",
      { ...noObjects, cloudName: "AzureStackCloud", cloudEnvFileName: "/etc/kubernetes/akscustom.json" },
      {},
      "cloudName AzureStackCloud is not valid, error: open /etc/kubernetes/akscustom.json: no such file or directory",
    ],
    [
      "no Secret",
      noObjects,
      {},
      "failed to build auth config for mode None: failed to get credentials, nodePublishSecretRef secret is not set",
    ],
    [
      "an empty Secret",
      noObjects,
      { secrets: {} },
      "failed to build auth config for mode None: could not find clientid in secrets",
    ],
    ["no objects", noObjects, { secrets }, "objects is not set"],
    [
      "a bare list",
      { ...valid, objects: "- a" },
      { secrets },
      "failed to yaml unmarshal objects, error: yaml: unmarshal errors:",
    ],
    [
      "format pkcs",
      { ...valid, objects: badFormat },
      { secrets },
      `${named}invalid objectFormat: pkcs, should be PEM or PFX`,
    ],
    [
      "a short vault name",
      { ...valid, keyvaultName: "kv" },
      { secrets },
      'failed to get vault: Invalid vault name: "kv", must be between 3 and 24 chars',
    ],
    [
      "type Secret",
      { ...valid, objects: badType },
      { secrets },
      "failed to get objectType:Secret, objectName:secret1, objectVersion:: Invalid vaultObjectTypes. Should be secret, key, or cert",
    ],
  ])("%s", async (_, parameters, credentials, message) => {
    const error: unknown = await fetchFrom(parameters, credentials).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DriverError);
    expect(error).toMatchObject({ reason: "InvalidRequest" });
    expect((error as DriverError).message.startsWith(`failed to mount objects, error: ${message}`)).toBe(true);
  });
});

describe("the network of the Azure provider", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
    vi.useRealTimers();
  });

  /** What the fetch of one secret fails with. */
  async function failureOf(options: Pick<AzureProviderOptions, "agent">): Promise<unknown> {
    const provider = createAzureProvider({ ...means, ...options });
    const request = { volume, parameters: valid, credentials: { secrets } };
    return provider.fetch(request, anyAge, noSignal).catch((error: unknown) => error);
  }

  test("a vault that does not answer is given up after 10 s, its whole turn as well", async () => {
    const azure = await startScriptedAzure({ vault: () => "never" });
    const limit = vi.spyOn(AbortSignal, "timeout");
    const failure = failureOf({ agent: azure.transport.agent });
    await expect.poll(() => azure.asked.length === 1).toBe(true);
    expect(limit).toHaveBeenCalledExactlyOnceWith(10_000);
    vi.advanceTimersByTime(10_000);
    expect(await failure).toMatchObject({
      reason: "ProviderUnavailable",
      message: expect.stringContaining("no answer from vault kv1 within 10 s") as string,
    });
    await azure.stop();
  });
  test("a resolver that does not answer is given up after 1 s, and asked once", async () => {
    const lookup = vi.spyOn(dns, "lookup").mockImplementation(() => undefined);
    syncBuiltinESMExports();
    const failure = failureOf({});
    await expect.poll(() => lookup.mock.calls.length > 0).toBe(true);
    vi.advanceTimersByTime(1_000);
    expect(await failure).toMatchObject({
      reason: "ProviderUnavailable",
      message: expect.stringContaining("login.microsoftonline.com does not resolve (EAI_AGAIN)") as string,
    });
    expect(lookup).toHaveBeenCalledTimes(1);
  });
});
