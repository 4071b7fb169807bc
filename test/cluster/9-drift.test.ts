import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { cluster, vault } from "./cluster.ts";
import { deeds, generations, mutate, onObject, replaceBinding, substance, targets } from "./drift.ts";
import { apply, exec, get, kubectl, namespace, ready, remove } from "./kubectl.ts";
import { whyNotHere } from "./node.ts";
import { credentials, credentialsSecret, mountPath, pod, secretClass } from "./objects.ts";
import { restarts, total } from "./reconciler.ts";
import { helmRelease, install, isInstalled, releaseNamespace, uninstall } from "./release.ts";
import { run, until } from "./shell.ts";
import { stampLabel, startStamping } from "./webhook.ts";

const driver = "secrets-store-csi-driver";
const values = join(cluster.dir, "values.yaml");
const settings = ["reconciler.enabled=true", `${driver}.syncSecret.enabled=true`, "monitoring.dashboard.enabled=true"];
const notHere = await whyNotHere();

beforeAll(async () => {
  await vault.set("held", "held value");
  await apply(credentialsSecret(credentials), secretClass("held", ["held"]));
  await install(values, settings);
  await holds();
});
afterAll(async () => {
  await remove("mounts");
  await install(values);
});

/** The reconciler has settled, and holds everything. */
async function holds(): Promise<void> {
  await kubectl(
    "rollout",
    "status",
    "-n",
    releaseNamespace,
    "deployment/azure-keyvault-csi-reconciler",
    "--timeout=2m",
  );
  await until("the reconciler holds", async () => (await total("reconcile_objects").catch(() => 0)) === targets.length);
}

/** Resolves to how many seconds it took until the release is as it was. */
async function back(before: ReadonlyMap<string, string>): Promise<number> {
  const startedAt = performance.now();
  await until("everything is back", async () => differing(before, await substance([stampLabel])).length === 0, 60_000);
  return Math.round((performance.now() - startedAt) / 100) / 10;
}

function differing(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): readonly string[] {
  return [...a.keys()].filter((name) => a.get(name) !== b.get(name));
}

/** A new pod has its volume, and the cluster's users are told so. */
async function mounts(): Promise<void> {
  await kubectl("rollout", "status", "-n", releaseNamespace, `daemonset/${driver}`, "--timeout=2m");
  await apply(pod({ name: "mounts", classes: ["held"], needs: `${mountPath}/held` }));
  await ready("mounts");
  expect(await exec("mounts", "cat", `${mountPath}/held`)).toBe("held value");
  await until("its status is written", () => get("secretproviderclasspodstatus", `mounts-${namespace}-held`));
  await remove("mounts");
}

function shuffled<T>(items: readonly T[]): readonly T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

describe.skipIf(notHere)(`drift${notHere ?? ""}`, () => {
  test("whatever is changed, added, unlabelled or deleted, in any order, is back within a minute, and pods mount", async () => {
    const before = await substance();
    expect(before.size).toBe(targets.length);
    const stamping = await startStamping();
    onTestFinished(() => stamping.stop());
    await replaceBinding();
    console.log(`a binding to another role is replaced after ${await back(before)} s`);
    const orders = targets.map((target) => ({ target, order: shuffled(deeds) }));
    for (const round of deeds.keys()) {
      const done = shuffled(orders).map(({ target, order }) => ({ target, deed: order[round] ?? "delete" }));
      for (const { target, deed } of done) await mutate(target, deed);
      const seconds = await back(before);
      console.log(`back after ${seconds} s: ${done.map(({ target, deed }) => `${deed} ${target.name}`).join(", ")}`);
      await mounts();
    }
    await nothingFollows();
    for (const text of (await substance()).values())
      if (text.includes('"DaemonSet"')) expect(text).toContain(stampLabel);
  });

  /** For two minutes no object gets another generation, nothing is restored, and nothing starts again. */
  async function nothingFollows(): Promise<void> {
    const facts = async (): Promise<object> => ({
      generations: await generations(),
      restored: await total("reconcile_restored_total"),
      failed: await total("reconcile_failed_total"),
      restarts: await restarts(),
    });
    const before = await facts();
    expect(JSON.stringify(before)).not.toMatch(/ [1-9]\d*"\]?$/);
    const end = Date.now() + 120_000;
    await until(
      "two minutes have passed without a write",
      async () => {
        expect(await facts()).toEqual(before);
        return Date.now() > end;
      },
      200_000,
    );
  }
});

describe("Helm", () => {
  const daemonSet = `daemonset/${driver}`;
  const field = (path: string): Promise<string> => onObject("get", daemonSet, "-o", `jsonpath={.spec${path}}`);
  const args = (): Promise<string> => field(".template.spec.containers[0].args");

  /** A change that starts no pod anew. */
  function spoil(): Promise<string> {
    return onObject("patch", daemonSet, "--type=merge", "--patch", JSON.stringify({ spec: { minReadySeconds: 7 } }));
  }

  async function restored(): Promise<void> {
    await until("it is back", async () => (await field(".minReadySeconds")) === "", 60_000);
  }

  async function rollback(): Promise<void> {
    await run(["helm", "rollback", helmRelease, "--namespace", releaseNamespace, "--wait", "--timeout", "2m"]);
    await holds();
  }

  test("an upgrade after a change that was taken back goes through, and so does one right after a change", async () => {
    await spoil();
    await restored();
    await spoil();
    await install(values, [...settings, "logVerbosity=6"]);
    await restored();
    expect(await args()).toContain("-v=6");
    await holds();
    await spoil();
    await restored();
    expect(await args()).toContain("-v=6");
  });

  test("an upgrade of which the API server refuses an object is held but for that one, until a rollback", async () => {
    await holds();
    // Less than is requested. Helm tells it when it has written all else.
    const refused = `${driver}.linux.driver.resources.limits.memory=8Mi`;
    const upgrade = install(values, [...settings, refused, `${driver}.enableSecretRotation=true`]);
    await expect(upgrade).rejects.toThrow("must be less than or equal to memory limit");
    await holds();
    const csiDriver = targets.find(({ name }) => name.startsWith("csidriver/"));
    if (csiDriver) await mutate(csiDriver, "change");
    const republishes = (): Promise<string> =>
      onObject("get", "csidriver/secrets-store.csi.k8s.io", "-o", "jsonpath={.spec.requiresRepublish}");
    await until("it is back", async () => (await republishes()) === "true", 60_000);
    const events = (): Promise<string> =>
      kubectl("events", "-n", releaseNamespace, "--for", "deployment/azure-keyvault-csi-reconciler");
    await until("it is told", async () => /RestoreFailed .*DaemonSet .*HTTP 422/.test(await events()), 60_000);
    expect(await args()).not.toContain("--enable-secret-rotation");
    await rollback();
    await spoil();
    await restored();
  });

  test("an upgrade that fails after all was written is held as it is, and so is a rollback", async () => {
    // Without the hook, which would be what is not done in time; no pod is replaced within a second.
    const hasty = `${driver}.linux.crds.enabled=false`;
    await expect(install(values, [...settings, hasty, "logVerbosity=7"], "1s")).rejects.toThrow();
    await holds();
    const before = await total("reconcile_restored_total");
    await spoil();
    await restored();
    expect(await args()).toContain("-v=7");
    expect(await total("reconcile_restored_total")).toBe(before + 1);
    await rollback();
    await spoil();
    await restored();
    expect(await args()).not.toContain("-v=7");
    await mounts();
  });

  test("an uninstall in the middle of a restoration leaves nothing of the release", async () => {
    for (const target of targets) await mutate(target, "unlabel");
    await uninstall();
    const pods = ["pod", "-n", releaseNamespace, "-l", "app=azure-keyvault-csi-reconciler"];
    await kubectl("wait", "--for=delete", ...pods, "--timeout=60s");
    expect(await isInstalled()).toBe(false);
    expect([...(await substance()).keys()]).toEqual([]);
  });
});
