import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ExtensionRecord } from "../../src/extension/record.ts";
import { shapeOf, tutorialCommands, tutorialTexts } from "../fakes/extension-tutorial.ts";
import { cluster, vault } from "./cluster.ts";
import { exec, get, kubectl, namespace, ready, remove, type Pod } from "./kubectl.ts";
import { pluginIsReady } from "./plugin.ts";
import { install, uninstall, wayToEmulator } from "./release.ts";
import { shell, until } from "./shell.ts";

/** What the tutorial's reader fills in. */
const filled: Readonly<Record<string, string>> = {
  "<arc-cluster-name>": "arc1",
  "<cluster-name>": "arc1",
  "<resource-group-name>": "group1",
  "<template-file-path>": "template.json",
  "<desired-deployment-name>": "deployment1",
  "<AKV-name>": "demo-vault",
  "<AKV-location>": "here",
  "<client-id>": cluster.demo.clientId,
  "<client-secret>": cluster.demo.clientSecret,
  "<key-vault-name>": "demo-vault",
  "<tenant-Id>": cluster.tenantId,
};

const pod = "busybox-secrets-store-inline";
const crds = ["secretproviderclasses", "secretproviderclasspodstatuses"].map(
  (plural) => `${plural}.secrets-store.csi.x-k8s.io`,
);

function fill(text: string): string {
  return text.replaceAll(/<[\w-]+>/g, (placeholder) => filled[placeholder] ?? placeholder);
}

/** The exports that the reader's shell has by now. */
const exported: string[] = [];

/** A line as printed, but for the program's name. */
function type(line: string): Promise<string> {
  const ours = line
    .replace("az k8s-extension", "azure-keyvault-csi extension")
    .replace("az deployment group create", "azure-keyvault-csi extension deploy");
  return shell(`export PATH="$PWD/bin:$PATH"; ${[...exported, fill(ours)].join("; ")}`, cluster.dir);
}

/** The tutorial's next line that begins like this; those before it that were passed over are plain Azure administration. */
const left = [...tutorialCommands];
async function next(beginning: string): Promise<string> {
  for (let line = left.shift(); line !== undefined; line = left.shift()) {
    if (line.startsWith("export ")) exported.push(fill(line));
    else if (line.startsWith(beginning)) return type(line);
    else if (!line.startsWith("az keyvault ")) throw new Error(`the tutorial has ${line} before ${beginning}`);
  }
  throw new Error(`the tutorial has no more line that begins with ${beginning}`);
}

function parsed(text: string): ExtensionRecord {
  return JSON.parse(text) as ExtensionRecord;
}

/** The tutorial's record, of the name and the cluster that the commands say; what nobody here knows is null. */
function asPrinted(text: string, record: ExtensionRecord): ExtensionRecord {
  const printed = parsed(
    text
      .replaceAll("$RESOURCE_GROUP", "group1")
      .replaceAll("$CLUSTER_NAME", "arc1")
      .replaceAll(/x{4,}/g, (zeros) => "0".repeat(zeros.length)),
  );
  return {
    ...printed,
    name: "akvsecretsprovider",
    identity: { principalId: null, tenantId: null, type: null },
    autoUpgradeMinorVersion: false,
    systemData: record.systemData,
    version: record.version,
  };
}

beforeAll(async () => {
  await uninstall();
  await kubectl("delete", "secret", "secrets-store-creds", "--ignore-not-found");
  await vault.set("DemoSecret", "MyExampleSecret");
  const program = join(cluster.dir, "bin/azure-keyvault-csi");
  await mkdir(join(cluster.dir, "bin"), { recursive: true });
  await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${resolve("src/main.ts")}' "$@"\n`);
  await chmod(program, 0o755);
  for (const file of ["secretproviderclass.yaml", "pod.yaml"])
    await writeFile(join(cluster.dir, file), fill(await readFile(`test/fixtures/tutorial/${file}`, "utf8")));
  await writeFile(join(cluster.dir, "template.json"), fill(tutorialTexts.template));
});

afterAll(async () => {
  await shell("helm uninstall akvsecretsprovider -n kube-system --ignore-not-found --wait --cascade=foreground");
  await install(join(cluster.dir, "values.yaml"));
  await remove(pod);
});

/** The plugin is told where the emulator is, by what any user could set. */
function letFindEmulator(): Promise<string> {
  const settings = Object.entries(wayToEmulator).map(
    ([name, value]) => `'secrets-store-csi-driver.linux.${name}=${JSON.stringify(value)}'`,
  );
  return type(`az k8s-extension update --name akvsecretsprovider --config ${settings.join(" ")}`);
}

describe("the tutorial, line by line", () => {
  test("az k8s-extension create, az deployment group create and az k8s-extension show print its JSON", async () => {
    const created = parsed(await next("az k8s-extension create"));
    expect(created).toEqual(asPrinted(tutorialTexts.created, created));
    await letFindEmulator();
    const deployed = parsed(await next("az deployment group create"));
    const shown = parsed(await next("az k8s-extension show"));
    expect(deployed).toEqual(shown);
    expect({ ...shown, configurationSettings: {} }).toEqual(asPrinted(tutorialTexts.shown, shown));
    expect(keysOf(shown)).toEqual(keysOf(parsed(tutorialTexts.shown)));
    expect(Object.keys(shown.configurationSettings).toSorted()).toEqual(
      Object.keys(wayToEmulator)
        .map((name) => `secrets-store-csi-driver.linux.${name}`)
        .toSorted(),
    );
    for (const time of [shown.systemData.createdAt, shown.systemData.lastModifiedAt])
      expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);
  });

  test("its Secret, its class and its pod are taken, and the secret is in the pod", async () => {
    await pluginIsReady();
    for (const line of ["kubectl create secret", "kubectl label", "kubectl apply", "kubectl apply"]) await next(line);
    await ready(pod);
    expect(await next("kubectl exec")).toBe("DemoSecret\n");
    expect(await next("kubectl exec")).toBe("MyExampleSecret");
  });

  test("create of the same name, and update, set the tutorial's settings, and keep the others", async () => {
    const settings = {
      "secrets-store-csi-driver.enableSecretRotation": "true",
      "secrets-store-csi-driver.rotationPollInterval": "3m",
      "secrets-store-csi-driver.syncSecret.enabled": "true",
    };
    expect(parsed(await next("az k8s-extension create")).configurationSettings).toMatchObject(settings);
    const updated = parsed(await next("az k8s-extension update"));
    expect(updated.configurationSettings).toMatchObject(settings);
    expect(Object.keys(updated.configurationSettings)).toHaveLength(6);
    const args = await kubectl(...pluginArgs);
    for (const arg of ["--enable-secret-rotation", "--rotation-poll-interval=3m"]) expect(args).toContain(arg);
  });

  test("a second instance is refused", async () => {
    await expect(type("az k8s-extension create --name other")).rejects.toThrow(
      "this cluster has the extension already, as akvsecretsprovider; there can be one",
    );
  });

  test("delete with a pod that uses the driver is refused, with the pod's name", async () => {
    const [line = ""] = left;
    await expect(type(line)).rejects.toThrow(`pods still use the driver: ${namespace}/${pod}`);
    expect(parsed(await type(show)).provisioningState).toBe("Succeeded");
  });

  test("delete --force leaves CRDs, classes and the files of pods, a deleted pod hangs, and create frees it", async () => {
    const [line = ""] = left;
    expect(await type(`${line} --force`)).toBe("");
    expect(await type("az k8s-extension list")).toBe("[]\n");
    for (const crd of crds) expect(await kubectl("get", "crd", crd, "-o", "name")).toContain(crd);
    expect(await kubectl("get", "secretproviderclass", "akvprovider-demo", "-o", "name")).toContain("akvprovider-demo");
    expect(await exec(pod, "cat", "/mnt/secrets-store/DemoSecret")).toBe("MyExampleSecret");
    await kubectl("delete", "pod", pod, "--wait=false", "--grace-period=1");
    const hanging = await until("its container has ended", async () => {
      const found = await get<Pod>("pod", pod);
      return found?.status.containerStatuses?.[0]?.state.terminated !== undefined && found;
    });
    expect(hanging.metadata.deletionTimestamp).toBeDefined();
    await type("az k8s-extension create --name akvsecretsprovider");
    await kubectl("wait", "--for=delete", `pod/${pod}`, "--timeout=180s");
  });

  test("create with the name of the extension brings back CRDs that were deleted", async () => {
    await kubectl("delete", "crd", ...crds, "--timeout=60s");
    await type("az k8s-extension create --name akvsecretsprovider");
    for (const crd of crds)
      expect(await kubectl("wait", "--for=condition=Established", `crd/${crd}`, "--timeout=1s")).toContain(
        "condition met",
      );
  });

  test("protected settings are kept in a Secret, and are shown by name alone", async () => {
    const secret = "Azure.proxySettings.httpsProxy=http://user:hunter2@proxy.example";
    const updated = await type(
      `az k8s-extension update --name akvsecretsprovider --configuration-protected-settings ${secret}`,
    );
    expect(parsed(updated).configurationProtectedSettings).toEqual({ "Azure.proxySettings.httpsProxy": "" });
    const kept = await type(show);
    for (const text of [updated, kept]) expect(text).not.toContain("hunter2");
    expect(await shell("helm get values akvsecretsprovider -n kube-system")).toContain("hunter2");
  });

  test("delete and list, as printed", async () => {
    expect(await next("az k8s-extension delete")).toBe("");
    expect(await next("az k8s-extension list")).toBe("[]\n");
    expect(left).toEqual([]);
    for (const crd of crds) expect(await kubectl("get", "crd", crd, "-o", "name")).toContain(crd);
    await expect(type(show)).rejects.toThrow("this cluster has no extension akvsecretsprovider");
  });
});

const show = "az k8s-extension show --name akvsecretsprovider";
const pluginArgs = [
  ...["get", "daemonset", "secrets-store-csi-driver", "-n", "kube-system"],
  ...["-o", "jsonpath={.spec.template.spec.containers[0].args}"],
];

/** Keys and nesting alone: settings are the user's own. */
function keysOf(record: ExtensionRecord): unknown {
  const types = JSON.stringify(shapeOf({ ...record, configurationSettings: {} }));
  return types.replaceAll(/"(null|string|boolean|object)"/g, "?");
}
