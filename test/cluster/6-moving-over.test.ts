import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { cluster, vault } from "./cluster.ts";
import { apply, exec, get, kubectl, remove, type KubernetesObject, type Pod } from "./kubectl.ts";
import { mountsOfPod, whyNotHere } from "./node.ts";
import { credentials, credentialsSecret, mountPath } from "./objects.ts";
import { openPage, type CommandPage } from "./page.ts";
import { mirroredClass, startAsWithThePair, statusOf } from "./pair.ts";
import { install, releaseNamespace, uninstall, wayToEmulator } from "./release.ts";
import { run, until } from "./shell.ts";

const notHere = await whyNotHere();
const onTheNode = test.skipIf(notHere !== undefined);
const but = notHere === undefined ? "" : ` (${notHere})`;

const pair = resolve("test/fixtures/pair");
const manifests = resolve("test/fixtures/pair-manifests");
const driverSettings = {
  linux: wayToEmulator,
  enableSecretRotation: true,
  rotationPollInterval: "15s",
  syncSecret: { enabled: true },
};
const words = { registry: "docker.io/library" };
const labelled =
  "app in (secrets-store-csi-driver, csi-secrets-store, csi-secrets-store-provider-azure, aks-secrets-store-csi-driver)";
let page: CommandPage;
let before: Pod;
let mounts: readonly string[];

beforeAll(async () => {
  if (notHere !== undefined) return;
  page = await openPage("docs/migrate.md");
  await vault.set("moving", "value of the pair");
  await apply(credentialsSecret(credentials));
  before = await startAsWithThePair("moving", "value of the pair");
  mounts = await mountsOfPod(before.metadata.uid);
  await uninstall();
  await apply(mirroredClass("moving"));
});
afterAll(async () => {
  if (notHere !== undefined) return;
  await removePair();
  await install(join(cluster.dir, "values.yaml"));
  await remove("moving");
});

/** Each story begins without anything of the pair, or of what came after it; but for CRDs, and the pod that runs. */
async function removePair(): Promise<void> {
  const installed = (await run(["helm", "list", "-n", releaseNamespace, "--all", "--short"])).split("\n");
  const ours = ["csi", "driver", "provider", "azure-keyvault-csi"];
  for (const release of ours.filter((name) => installed.includes(name)))
    await run(["helm", "uninstall", release, "-n", releaseNamespace, "--cascade", "foreground", "--wait"]);
  await kubectl("delete", "-n", releaseNamespace, "-f", manifests, "--ignore-not-found");
  // What a story kept from Helm and then failed.
  await kubectl("delete", "daemonset,serviceaccount", "-n", releaseNamespace, "-l", labelled);
  await kubectl("delete", "namespace", "pair-provider", "--ignore-not-found");
}

/** A release of the pair's, or of one of its charts. */
async function installPair(release: string, chart: string, values: object): Promise<void> {
  const file = join(cluster.dir, `${release}-values.yaml`);
  await writeFile(file, JSON.stringify(values));
  const options = ["-n", releaseNamespace, "-f", file, "--skip-crds", "--wait", "--timeout", "2m"];
  await run(["helm", "install", release, chart, ...options]);
}

/** Objects of one kind, in the release's namespace or the cluster, which carry a label of the pair. */
async function names(kind: string): Promise<readonly string[]> {
  const text = await kubectl("get", kind, "-n", releaseNamespace, "-l", labelled, "-o", "name");
  return text.split("\n").flatMap((line) => (line === "" ? [] : [line.slice(line.indexOf("/") + 1)]));
}

async function containers(daemonSet: string): Promise<string> {
  const path = "jsonpath={.spec.template.spec.containers[*].name}";
  return kubectl("get", "daemonset", "-n", releaseNamespace, daemonSet, "-o", path);
}

/** Whether a service account may do what the pair's driver does and the plugin does not. */
async function mayList(account: string): Promise<string> {
  const user = `--as=system:serviceaccount:${releaseNamespace}:${account}`;
  // The answer no is exit code 1.
  return (await run(["sh", "-c", `kubectl auth can-i list pods -A ${user} || true`])).trim();
}

/** Neither pod nor volume has noticed anything. */
async function expectUntouched(): Promise<void> {
  const now = await get<Pod>("pod", "moving");
  expect(now?.metadata.uid).toBe(before.metadata.uid);
  expect(now?.status.containerStatuses).toEqual(before.status.containerStatuses);
  expect(await mountsOfPod(before.metadata.uid)).toEqual(mounts);
}

/** A new version in the vault reaches the file, the pod status and the Secret. */
async function expectToFollow(value: string): Promise<void> {
  const [was] = (await statusOf("moving"))?.status.objects ?? [];
  await vault.set("moving", value);
  await until(`the pod reads ${value}`, async () => (await exec("moving", "cat", `${mountPath}/moving`)) === value);
  await until("the Secret has it", async () => {
    const secret = await get<KubernetesObject & { readonly data: { readonly password: string } }>("secret", "moving");
    return Buffer.from(secret?.data.password ?? "", "base64").toString() === value;
  });
  await until("the status names the new version", async () => {
    const [is] = (await statusOf("moving"))?.status.objects ?? [];
    return is?.id === "secret/moving" && is.version !== was?.version;
  });
  await expectUntouched();
}

// As many copy them: with the provider's image, which must not be taken for ours.
const image = { repository: "mcr.microsoft.com/oss/v2/azure/secrets-store/provider-azure", tag: "v1.8.2" };

onTheNode(
  `the pair's release is upgraded: its volume is taken over, and follows the vault${but}`,
  async () => {
    await removePair();
    await installPair("csi", pair, { linux: { image }, "secrets-store-csi-driver": driverSettings });
    expect(await names("daemonsets")).toEqual(["csi-csi-secrets-store-provider-azure", "secrets-store-csi-driver"]);
    await page.type("Before");
    await page.type("The pair's release", { ...words, release: "csi" });
    expect(await containers("secrets-store-csi-driver")).toBe("secrets-store");
    expect(await names("daemonsets")).toEqual(["secrets-store-csi-driver"]);
    const seen = await page.type("See that it works");
    console.log(seen);
    expect(seen).toMatch(/^\S+ +secrets-store\.csi\.k8s\.io$/m);
    await expectUntouched();
    await expectToFollow("value after the upgrade");
  },
  600_000,
);

onTheNode(
  `and back: the pair's objects are there again, ours are gone, the pod reads on${but}`,
  async () => {
    await page.type("Back to the pair's release", { release: "csi" });
    expect(await names("daemonsets")).toEqual(["csi-csi-secrets-store-provider-azure", "secrets-store-csi-driver"]);
    expect(await containers("secrets-store-csi-driver")).toBe("node-driver-registrar secrets-store liveness-probe");
    expect(await names("validatingadmissionpolicies")).toEqual([]);
    expect(await exec("moving", "cat", `${mountPath}/moving`)).toBe("value after the upgrade");
    await expectUntouched();
  },
  600_000,
);

onTheNode(
  `DaemonSets for Windows stay, with rights of their own, and are Helm's again afterwards${but}`,
  async () => {
    await removePair();
    const windows = { enabled: true };
    const provider = "csi-csi-secrets-store-provider-azure-windows";
    await installPair("csi", pair, { windows, "secrets-store-csi-driver": { ...driverSettings, windows } });
    const theirs = await names("daemonsets");
    expect(theirs).toHaveLength(4);
    await page.type("Windows nodes", { "provider-windows": provider });
    await page.type("The pair's release", { ...words, release: "csi" });
    const ours = ["secrets-store-csi-driver", "secrets-store-csi-driver-windows"];
    expect(await names("daemonsets")).toEqual([provider, ...ours]);
    expect(await mayList("secrets-store-csi-driver-windows")).toBe("yes");
    expect(await mayList("secrets-store-csi-driver")).toBe("no");
    await page.type("Back with Windows nodes", { release: "csi", "provider-windows": provider });
    expect(await names("daemonsets")).toEqual(theirs);
    await expectUntouched();
  },
  600_000,
);

onTheNode(
  `the driver's release, with its keys at the top, is upgraded, and rolled back${but}`,
  async () => {
    await removePair();
    await installPair("driver", join(pair, "charts/secrets-store-csi-driver"), driverSettings);
    await installPair("provider", pair, { "secrets-store-csi-driver": { install: false } });
    const here = { ...words, release: "driver", "provider-release": "provider" };
    await page.type("The driver's release", { ...here, "driver-daemonset": "driver-secrets-store-csi-driver" });
    expect(await names("daemonsets")).toEqual(["secrets-store-csi-driver"]);
    await expectToFollow("value under the driver's release");
    await page.type("Back to the driver's release", here);
    expect(await containers("driver-secrets-store-csi-driver")).toContain("liveness-probe");
    await expectUntouched();
  },
  600_000,
);

onTheNode(
  `objects of the pair's manifests are adopted, and applied again${but}`,
  async () => {
    await removePair();
    await kubectl("create", "namespace", "pair-provider");
    await kubectl("apply", "-f", join(manifests, "driver.yaml"));
    await kubectl("apply", "-n", "pair-provider", "-f", join(manifests, "provider.yaml"));
    const driver = { linux: wayToEmulator, rotationPollInterval: "15s" };
    const [block] = page.blocks("Raw manifests", "yaml");
    const written = parse(block?.text ?? "") as { readonly "secrets-store-csi-driver": object };
    const values = { "secrets-store-csi-driver": { ...written["secrets-store-csi-driver"], ...driver } };
    await writeFile(join(cluster.dir, "values-of-manifests.yaml"), JSON.stringify(values));
    await page.type("Raw manifests", { ...words, "provider-namespace": "pair-provider" });
    expect(await names("daemonsets")).toEqual(["secrets-store-csi-driver"]);
    await expectToFollow("value under the adopting release");
    await page.type("Back to raw manifests", { manifests });
    expect(await kubectl("get", "csidriver", "secrets-store.csi.k8s.io", "-o", "name")).toContain("secrets-store");
    expect(await containers("csi-secrets-store")).toBe("secrets-store");
    await expectUntouched();
  },
  600_000,
);

onTheNode(
  `without --take-ownership Helm refuses what is not its own, until it is labelled${but}`,
  async () => {
    await removePair();
    await kubectl("apply", "-f", join(manifests, "driver.yaml"));
    const dryRun = ["azure-keyvault-csi", "charts/azure-keyvault-csi", "-n", releaseNamespace, "--dry-run=server"];
    const installing = (): Promise<string> => run(["helm", "install", ...dryRun]);
    await expect(installing()).rejects.toThrow("exists and cannot be imported into the current release");
    await page.type("Raw manifests, with Helm before 3.17");
    expect(await installing()).toContain("STATUS: pending-install");
  },
  600_000,
);

onTheNode(
  `a cluster with the add-on of AKS refuses the chart with the reason, whoever takes ownership${but}`,
  async () => {
    await removePair();
    const name = "aks-secrets-store-csi-driver";
    const labels = { app: name };
    const containers = [{ name: "secrets-store", image: "registry.k8s.io/e2e-test-images/busybox:1.29-4" }];
    const template = { metadata: { labels }, spec: { nodeSelector: { "kubernetes.io/os": "none" }, containers } };
    const metadata = { name, namespace: releaseNamespace, labels };
    const spec = { selector: { matchLabels: labels }, template };
    await apply({ apiVersion: "apps/v1", kind: "DaemonSet", metadata, spec });
    await kubectl("apply", "-f", join(manifests, "driver.yaml"));
    const [quoted] = page.blocks("Managed add-ons", "");
    const installing = ["helm", "install", "azure-keyvault-csi", "charts/azure-keyvault-csi", "-n", releaseNamespace];
    for (const more of [[], ["--take-ownership"]])
      await expect(run([...installing, ...more])).rejects.toThrow(quoted?.text.trim());
  },
  600_000,
);
