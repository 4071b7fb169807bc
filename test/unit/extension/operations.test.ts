import { describe, expect, test } from "vitest";
import * as operations from "../../../src/extension/operations.ts";
import type { CreateWish } from "../../../src/extension/operations.ts";
import { parseSettings, splitSetting } from "../../../src/extension/settings.ts";
import type { ReleaseStatus } from "../../../src/release-model.ts";
import { catalogue } from "../../fakes/chart-catalogue.ts";
import { fakeCluster } from "../../fakes/extension-means.ts";

const name = "akvsecretsprovider";
const driver = "secrets-store-csi-driver";
const manner = { noWait: false, dryRun: false };

function wish(changes: Partial<CreateWish> = {}): CreateWish {
  return { name, identity: {}, settings: [], ...manner, ...changes };
}

function settings(plain: readonly string[], hidden: readonly string[] = []) {
  const written = [
    ...plain.map((word) => splitSetting(word, false)),
    ...hidden.map((word) => splitSetting(word, true)),
  ];
  return parseSettings(written, catalogue);
}

describe("create", () => {
  test("installs into kube-system, waits for every node, and tells what came of it", async () => {
    const { means, done, applied } = fakeCluster();
    const record = await operations.create(wish({ identity: { clusterName: "c", resourceGroup: "g" } }), means);
    expect(done).toEqual([`apply kube-system/${name} wait`, `ready kube-system/${driver}`]);
    expect(applied[0]?.values).toEqual({
      extension: {
        clusterName: "c",
        resourceGroup: "g",
        type: "Microsoft.AzureKeyVaultSecretsProvider",
        protectedSettings: [],
      },
    });
    expect(record).toMatchObject({ name, provisioningState: "Succeeded", resourceGroup: "g" });
  });

  test("of the same name keeps settings and namespace, and says more of it", async () => {
    const values = { logVerbosity: 2, extension: { clusterName: "c", resourceGroup: "g" } };
    const { means, done, applied } = fakeCluster([{ name, namespace: "akv", values, status: "failed" }]);
    await operations.create(
      wish({ settings: settings(["enableSecretRotation=true"]), identity: { releaseTrain: "preview" } }),
      means,
    );
    expect(done[0]).toBe(`apply akv/${name} wait`);
    expect(applied[0]?.values).toMatchObject({
      logVerbosity: 2,
      [driver]: { enableSecretRotation: true },
      extension: { clusterName: "c", resourceGroup: "g", releaseTrain: "preview" },
    });
  });

  test("with --no-wait waits for nothing; with --dry-run changes nothing, and tells what would be", async () => {
    const { means, done } = fakeCluster();
    expect(await operations.create(wish({ dryRun: true }), means)).toMatchObject({ name, provisioningState: null });
    await operations.create(wish({ noWait: true }), means);
    expect(done).toEqual([`apply kube-system/${name} dry wait`, `apply kube-system/${name}`]);
  });

  test.each([
    [[`${driver}.install=false`], ["ready kube-system/csi-secrets-store-provider-azure"]],
    [[`${driver}.linux.enabled=false`], []],
    [[`${driver}.install=false`, "linux.enabled=false"], []],
  ])("with %j waits for %j", async (words, expected) => {
    const { means, done } = fakeCluster();
    await operations.create(wish({ settings: settings(words) }), means);
    expect(done.slice(1)).toEqual(expected);
  });

  test("says which image comes", async () => {
    const said: string[] = [];
    const { means } = fakeCluster();
    const watched = { ...means, progress: (text: string) => void said.push(text) };
    const image = settings(["linux.image.repository=r.example/akv", "linux.image.tag=t"]);
    await operations.create(wish({ settings: image, noWait: true }), watched);
    await operations.create(
      wish({ settings: settings(["linux.image.repository=null", "linux.image.tag=null"]), noWait: true }),
      watched,
    );
    expect(said).toEqual([
      `Installing ${name} in namespace kube-system, image r.example/akv:t`,
      `Upgrading ${name} in namespace kube-system, image azure-keyvault-csi:${means.chart.version}`,
    ]);
    await operations.create(wish({ settings: settings([], ["linux.image.repository=hunter2"]) }), watched);
    expect(said).toContain(`Upgrading ${name} in namespace kube-system, image …:${means.chart.version}`);
  });

  test("that is undone by somebody at once is told", async () => {
    const { means } = fakeCluster();
    const releases = { ...means.releases, read: () => Promise.resolve(undefined) };
    await expect(operations.create(wish(), { ...means, releases })).rejects.toThrow("was installed, and is gone again");
  });

  test.each(["", "-x", "--post-renderer=x", "A", "a_b", "a-", "a..b", "a".repeat(54)])(
    "refuses %j as a name, and asks Helm for nothing",
    async (bad) => {
      const { means, done } = fakeCluster();
      await expect(operations.create(wish({ name: bad }), means)).rejects.toThrow("cannot be the name of an extension");
      expect(done).toEqual([]);
    },
  );

  test("takes any name that Helm takes", async () => {
    for (const good of ["a", "akv-1.x", "a".repeat(53)])
      expect(await operations.create(wish({ name: good }), fakeCluster().means)).toMatchObject({ name: good });
  });

  test("takes the type in any case, its own version, and no version", async () => {
    const { means } = fakeCluster();
    const identity = { extensionType: "microsoft.azurekeyvaultsecretsprovider" };
    for (const version of ["", means.chart.version]) await operations.create(wish({ identity, version }), means);
  });

  test.each<[string, Partial<CreateWish>, string]>([
    [
      "another type",
      { identity: { extensionType: "Microsoft.Flux" } },
      "there is no extension type Microsoft.Flux here",
    ],
    ["another version", { version: "9.9.9" }, "not 9.9.9"],
  ])("refuses %s, as usage", async (_, changes, message) => {
    const { means, done } = fakeCluster();
    const failure = operations.create(wish(changes), means);
    await expect(failure).rejects.toMatchObject({ exit: 2, message: expect.stringContaining(message) as string });
    expect(done).toEqual([]);
  });

  test.each([
    ["a second instance", { name: "first" }, "this cluster has the extension already, as first; there can be one"],
    [
      "the established pair",
      { name: "csi", chart: "csi-secrets-store-provider-azure" },
      "release csi in namespace kube-system",
    ],
    ["the established driver", { name, chart: driver }, "the established driver"],
    ["a name that is taken", { name, chart: "nginx" }, "the name is taken"],
    [
      "another cluster",
      { name, values: { extension: { clusterName: "other" } } },
      "the cluster of this kubeconfig is another: other",
    ],
    ["another namespace", { name, namespace: "akv" }, "is in namespace akv, and stays there"],
  ])("refuses %s, and changes nothing", async (_, present, message) => {
    const { means, done } = fakeCluster([present]);
    const wanted = wish({ identity: { clusterName: "mine" }, releaseNamespace: "kube-system" });
    await expect(operations.create(wanted, means)).rejects.toThrow(message);
    expect(done).toEqual([]);
  });

  test("lets the established driver be where it brings the provider alone", async () => {
    const { means, done } = fakeCluster([{ name: "csi", chart: driver }]);
    await operations.create(wish({ settings: settings([`${driver}.install=false`]) }), means);
    expect(done).toHaveLength(2);
  });
});

describe("update", () => {
  const present = { name, values: { [driver]: { enableSecretRotation: true, rotationPollInterval: "2m" } } };

  test("changes what is given, takes null back, and keeps the rest", async () => {
    const { means, applied } = fakeCluster([present]);
    await operations.update(
      wish({ settings: settings(["rotationPollInterval=3m", "enableSecretRotation=null", "logVerbosity=1"]) }),
      means,
    );
    expect(applied[0]?.values).toMatchObject({ logVerbosity: 1, [driver]: { rotationPollInterval: "3m" } });
    expect(applied[0]?.values[driver]).not.toHaveProperty("enableSecretRotation");
  });

  test("says so where it brings another version", async () => {
    const said: string[] = [];
    const { means } = fakeCluster([present]);
    const chart = { ...means.chart, version: "9.9.9" };
    await operations.update(wish(), { ...means, chart, progress: (text) => void said.push(text) });
    expect(said[0]).toBe(`Updating ${name} in namespace kube-system, from version ${means.chart.version} to 9.9.9`);
  });

  test("keeps a protected setting to itself: named, never shown, never in a message", async () => {
    const { means, applied } = fakeCluster([present]);
    const hidden = "Azure.proxySettings.httpsProxy";
    const record = await operations.update(wish({ settings: settings([], [`${hidden}=http://u:hunter2@p`]) }), means);
    expect(record.configurationProtectedSettings).toEqual({ [hidden]: "" });
    expect(applied[0]?.secrets).toEqual(["http://u:hunter2@p"]);
    expect(JSON.stringify(record)).not.toContain("hunter2");
    const list = settings([], ['linux.env=[{"name":"A","value":"hunter2"}]', "linux.env[1].value=7"]);
    await operations.update(wish({ settings: list }), means);
    expect(applied[1]?.secrets.toSorted()).toEqual(["7", "A", "http://u:hunter2@p", "hunter2"]);
    await operations.update(wish({ settings: settings(["linux.env=null"]) }), means);
    expect(applied[2]?.secrets).toContain("hunter2");
    const later = await operations.update(wish({ settings: settings(["logVerbosity=1"]) }), means);
    expect(later.configurationProtectedSettings).toEqual({ [hidden]: "" });
    const open = await operations.update(wish({ settings: settings([`${hidden}=http://p`]) }), means);
    expect(open.configurationProtectedSettings).toEqual({});
    expect(open.configurationSettings).toMatchObject({ [hidden]: "http://p" });
  });

  test("of what there is not is not found, and names what there is", async () => {
    await expect(operations.update(wish({ name: "akv" }), fakeCluster([present]).means)).rejects.toMatchObject({
      exit: 3,
      message: "this cluster has no extension akv",
      remedy: `there is ${name}: --name ${name}`,
    });
    await expect(operations.update(wish(), fakeCluster().means)).rejects.toMatchObject({ exit: 3 });
  });

  test.each<[ReleaseStatus, string]>([
    ["pending-upgrade", `helm rollback ${name} -n kube-system`],
    ["pending-rollback", `helm rollback ${name} -n kube-system`],
    ["pending-install", `azure-keyvault-csi extension delete --force --name ${name}`],
    ["uninstalling", `azure-keyvault-csi extension delete --force --name ${name}`],
  ])("waits for nobody: %s is refused, with the way out, and so are create and delete", async (status, way) => {
    const { means, done } = fakeCluster([{ ...present, status }]);
    for (const attempt of [
      operations.update(wish(), means),
      operations.create(wish(), means),
      operations.remove({ name, force: false, ...manner }, means),
    ])
      await expect(attempt).rejects.toMatchObject({
        message: `another operation on ${name} is in progress (${status})`,
        remedy: expect.stringContaining(way) as string,
      });
    expect(done).toEqual([]);
  });
});

describe("delete", () => {
  const pods = Array.from({ length: 22 }, (_, index) => ({ namespace: "shop", name: `web-${index}` }));

  test("is refused while pods use the driver, with their names", async () => {
    const { means, done } = fakeCluster([{ name }], pods);
    await expect(operations.remove({ name, force: false, ...manner }, means)).rejects.toMatchObject({
      exit: 1,
      message: expect.stringMatching(/^pods still use the driver: shop\/web-0, .*, shop\/web-19 and 2 more$/) as string,
      remedy: expect.stringContaining(`azure-keyvault-csi extension create --name ${name} frees them`) as string,
    });
    expect(done).toEqual([]);
  });

  test.each([
    ["with force", true, {}],
    ["where it is the provider alone, which mounts nothing", false, { [driver]: { install: false } }],
  ])("goes ahead %s", async (_, force, values) => {
    const { means, done } = fakeCluster([{ name, values }], pods);
    await operations.remove({ name, force, ...manner }, means);
    expect(done).toEqual([`remove kube-system/${name} wait`]);
  });

  test("waits only if it shall, and changes nothing in a dry run", async () => {
    const { means, done } = fakeCluster([{ name }]);
    await operations.remove({ name, force: false, noWait: false, dryRun: true }, means);
    await operations.remove({ name, force: false, noWait: true, dryRun: false }, means);
    expect(done).toEqual([`remove kube-system/${name}`]);
  });
});

describe("show and list", () => {
  test("tell extensions alone", async () => {
    const { means } = fakeCluster([{ name }, { name: "web", chart: "nginx" }]);
    expect((await operations.list({}, means)).map((record) => record.name)).toEqual([name]);
    expect((await operations.show({ name }, means)).name).toBe(name);
    await expect(operations.show({ name: "web" }, means)).rejects.toMatchObject({ exit: 3 });
  });

  test("refuse the names of another cluster, in any case of letters", async () => {
    const { means } = fakeCluster([{ name, values: { extension: { clusterName: "Arc1", resourceGroup: "g" } } }]);
    await operations.list({ clusterName: "arc1", resourceGroup: "G" }, means);
    await expect(operations.list({ clusterName: "arc2" }, means)).rejects.toThrow("another: Arc1, resource group g");
    await expect(operations.show({ name, resourceGroup: "h" }, means)).rejects.toThrow("another");
  });
});
