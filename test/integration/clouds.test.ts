import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeProxyAuthority } from "../fakes/proxy-authority.ts";
import { startProxy, type RunningProxy } from "../fakes/proxy.ts";
import { startWorld, type PluginProcess, type World } from "../fakes/world.ts";

const builtIn = [
  { name: "AzurePublicCloud", login: "login.microsoftonline.com", suffix: "vault.azure.net" },
  { name: "AzureUSGovernmentCloud", login: "login.microsoftonline.us", suffix: "vault.usgovcloudapi.net" },
  // The token service of this cloud has another name than its authority; the library knows it.
  { name: "AzureChinaCloud", login: "login.partner.microsoftonline.cn", suffix: "vault.azure.cn" },
  { name: "AzureGermanCloud", login: "login.microsoftonline.de", suffix: "vault.microsoftazure.de" },
];
/** A class that says nothing about its cloud. */
const unsaid = { cloudName: "", cloudEnvFileName: "" };

let world: World;
let proxy: RunningProxy;
let plugin: PluginProcess | undefined;

/** Whoever is asked for, the proxy asks the emulator, and records the name. */
beforeEach(async () => {
  world = await startWorld();
  world.emulator.vaults.named("demo-vault").setSecret("DemoSecret", "of this cloud");
  const { entraUrl, vaultSuffix } = world.emulator.settings;
  const ports = { login: Number(new URL(entraUrl).port), vault: Number(vaultSuffix.split(":")[1]) };
  const names = builtIn.flatMap(({ login, suffix }) => [login, `*.${suffix}`]);
  const { ca, cert, key } = await makeProxyAuthority([...names, "login.stack.example", "*.vault.stack.example"]);
  await writeFile(join(world.dir, "proxy-ca.pem"), ca);
  const behind = await readFile(join(world.dir, "emulator/ca.pem"), "utf8");
  proxy = await startProxy({ ports, intercept: { cert, key, ca: behind } });
});
afterEach(async () => {
  await plugin?.stop();
  plugin = undefined;
  await proxy.stop();
  await world.close();
});

async function start(flags: readonly string[], env: NodeJS.ProcessEnv = {}, command = ["dist/main.js"]): Promise<void> {
  const trusted = { SSL_CERT_FILE: join(world.dir, "proxy-ca.pem"), SSL_CERT_DIR: "" };
  const around = {
    HTTPS_PROXY: proxy.url,
    NO_PROXY: "vault.localhost,login.localhost",
    AZURE_ENVIRONMENT_FILEPATH: "",
  };
  plugin = await world.startPlugin({ command, flags, env: { ...trusted, ...around, ...env } });
}

async function mount(pod: string, parameters: Readonly<Record<string, string>>): Promise<string> {
  await world.createPod({ pod, parameters });
  return world.kubelet.publish(pod).then(
    () => "mounted",
    (error: unknown) => (error as Error).message,
  );
}

/** A cloud file beside those of the emulator. */
async function stackFile(name: string, settings: object): Promise<string> {
  const path = join(world.dir, `${name}.json`);
  await writeFile(path, JSON.stringify(settings));
  return path;
}

describe.each(builtIn)("$name", ({ name, login, suffix }) => {
  const asked = new Set([`demo-vault.${suffix}:443`, `${login}:443`]);

  test("by a class: its vaults and its token service are asked, and nobody about the authority", async () => {
    await start([]);
    await mount("web", { cloudName: name, cloudEnvFileName: "/nowhere/unused.json" });
    expect(new Set(await proxy.targets())).toEqual(asked);
    const { answers } = world.emulator.entra.tally.counters();
    expect(Object.keys(answers).some((answer) => answer.startsWith("POST /"))).toBe(true);
    expect(Object.keys(answers).filter((answer) => answer.includes("/discovery/instance"))).toEqual([]);
  });
  test("by --cloud-name, for a class that names none", async () => {
    await start([`--cloud-name=${name.toLowerCase()}`]);
    await mount("web", unsaid);
    expect(new Set(await proxy.targets())).toEqual(asked);
  });
});

describe("AzureStackCloud", () => {
  test("by --cloud-name and AZURE_ENVIRONMENT_FILEPATH, for a class that names none", async () => {
    await start(["--cloud-name=AzureStackCloud"], {
      AZURE_ENVIRONMENT_FILEPATH: join(world.dir, "emulator/cloud.json"),
    });
    expect(await mount("web", unsaid)).toBe("mounted");
    expect(await proxy.targets()).toEqual([]);
    await mount("public", { ...unsaid, cloudName: "AzurePublicCloud" });
    expect(await proxy.targets()).toContain("demo-vault.vault.azure.net:443");
  });

  test("nobody but its own hosts is asked: no instance discovery", async () => {
    await start([]);
    const keyVaultDNSSuffix = "vault.stack.example";
    const file = await stackFile("own", { activeDirectoryEndpoint: "https://login.stack.example/", keyVaultDNSSuffix });
    await mount("web", { cloudEnvFileName: file });
    const hosts = (await proxy.targets()).map((target) => target.replace(/:.*/, ""));
    expect(hosts).toContain("demo-vault.vault.stack.example");
    expect(hosts.filter((host) => !/\.stack\.example$|\.localhost$/.test(host))).toEqual([]);
  });

  test("a vault whose name nobody resolves is told at once, where no proxy asks for it", async () => {
    await start([], { HTTPS_PROXY: "" });
    const { entraUrl } = world.emulator.settings;
    const settings = { activeDirectoryEndpoint: entraUrl, keyVaultDNSSuffix: "vault.nowhere.invalid" };
    expect(await mount("web", { cloudEnvFileName: await stackFile("nowhere", settings) })).toMatch(
      /vault demo-vault: demo-vault\.vault\.nowhere\.invalid does not resolve \((ENOTFOUND\): check keyvaultName|EAI_AGAIN\): check the DNS)/,
    );
  });

  test("a resolver that does not answer is told in place of the request's time that ran out", async () => {
    const resolv = join(world.dir, "resolv.conf");
    await writeFile(resolv, "nameserver 192.0.2.1\n");
    const script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
    const command = ["unshare", "--mount", "sh", "-c", script, resolv, "dist/main.js"];
    await start([], { HTTPS_PROXY: "" }, command);
    const { entraUrl } = world.emulator.settings;
    const settings = { activeDirectoryEndpoint: entraUrl, keyVaultDNSSuffix: "vault.nowhere.example" };
    expect(await mount("web", { cloudEnvFileName: await stackFile("nowhere", settings) })).toContain(
      "demo-vault.vault.nowhere.example does not resolve (EAI_AGAIN): check the DNS of this node",
    );
  });

  test.each([
    ["", "keyVaultDNSSuffix of the cloud file must be a DNS name such as vault.example.org"],
    [".vault.stack.example", "keyVaultDNSSuffix of the cloud file must be a DNS name such as vault.example.org"],
  ])("the suffix %j is told", async (keyVaultDNSSuffix, complaint) => {
    await start([]);
    const file = await stackFile("own", { activeDirectoryEndpoint: "https://login.stack.example/", keyVaultDNSSuffix });
    expect(await mount("web", { cloudEnvFileName: file })).toContain(
      `failed to mount objects, error: failed to get vault: ${complaint}`,
    );
    expect(await proxy.targets()).toEqual([]);
  });

  test("the file of one request is not that of another, nor of a later one that names none", async () => {
    await start([]);
    const other = await stackFile("other", {
      activeDirectoryEndpoint: "https://login.stack.example/",
      keyVaultDNSSuffix: "no-such.stack.example",
    });
    const pods = Array.from({ length: 12 }, (_, at) => at);
    const results = await Promise.all(
      pods.map((at) => mount(`pod-${at}`, at % 2 === 0 ? {} : { cloudEnvFileName: other })),
    );
    for (const at of pods) {
      if (at % 2 === 0) expect(results[at]).toBe("mounted");
      else expect(results[at]).toContain("no-such.stack.example");
    }
    expect(await mount("later", { cloudEnvFileName: "" })).toContain(
      "cloudName AzureStackCloud is not valid, error: open : no such file or directory",
    );
  });
});

test("a cloud that there is not ends the program at start", async () => {
  await expect(start(["--cloud-name=AzureCloud1"])).rejects.toThrow("--cloud-name: must be AzurePublicCloud,");
});
