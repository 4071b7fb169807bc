import { afterAll, beforeAll, expect, test } from "vitest";
import { resetCounters, vault } from "./cluster.ts";
import { apply, describedEvents, exec, kubectl, list, type Pod } from "./kubectl.ts";
import { mountsOfPod, mountsOfPods, whyNotHere } from "./node.ts";
import { credentials, credentialsSecret, deployment, mountPath, secretClass } from "./objects.ts";
import { pluginIsReady, pluginPod } from "./plugin.ts";
import { restartNode, whyNoReboot } from "./reboot.ts";
import { releaseNamespace } from "./release.ts";
import { until } from "./shell.ts";

const notHere = await whyNotHere();
const noReboot = notHere ?? whyNoReboot();
const names = Array.from({ length: 10 }, (_, index) => `crowd-${index + 1}`);
const replicas = 60;

beforeAll(async () => {
  for (const name of names) await vault.set(name, `first value of ${name}`);
  await apply(credentialsSecret(credentials), secretClass("crowd", names));
});
afterAll(async () => {
  await kubectl("uncordon", (await pluginPod()).spec.nodeName);
  await kubectl("delete", "deployment", "crowd", "--cascade=foreground", "--ignore-not-found", "--timeout=240s");
});

function crowd(): Promise<readonly Pod[]> {
  return list<Pod>("pods", "-l", "app=crowd");
}
async function scale(count: number): Promise<void> {
  await kubectl("scale", "deployment/crowd", `--replicas=${count}`);
}
/** The Deployment has so many pods, ready and no other. */
async function isCrowdOf(count: number): Promise<void> {
  await kubectl("rollout", "status", "deployment/crowd", "--timeout=280s");
  await until(`there are ${count} pods`, async () => (await crowd()).length === count);
}
async function seconds(work: () => Promise<unknown>): Promise<string> {
  const startedAt = performance.now();
  await work();
  return ((performance.now() - startedAt) / 1000).toFixed(1);
}
/** The first pod and the last one have what the vault has, and it is a mount. */
async function eachReads(value: string): Promise<void> {
  const pods = await crowd();
  for (const { metadata } of [...pods.slice(0, 1), ...pods.slice(-1)]) {
    expect(await exec(metadata.name, "cat", `${mountPath}/crowd-10`)).toBe(value);
    if (notHere === undefined) expect(await mountsOfPod(metadata.uid)).toHaveLength(1);
  }
}

test("60 replicas of 10 secrets start at once: the vault is asked for each secret a few times, and not 600", async () => {
  await resetCounters();
  const took = await seconds(async () => {
    await apply(deployment({ name: "crowd", classes: ["crowd"], needs: `${mountPath}/crowd-10` }, replicas));
    await isCrowdOf(replicas);
  });
  const { requests, answers } = await vault.counters();
  console.log(`${replicas} pods of 10 secrets ready after ${took} s; requests to the vault: ${requests}
${JSON.stringify(answers)}`);
  // An answer is shared for 2 s, so that it depends on the machine how often each is asked for; a pod's own would be 600.
  expect(requests).toBeGreaterThanOrEqual(names.length);
  expect(requests).toBeLessThan(replicas * names.length);
  await eachReads("first value of crowd-10");
});

test("the DaemonSet is rolled while 30 pods start: all start, on whole volumes, and those that ran go on", async () => {
  await scale(replicas - 30);
  await isCrowdOf(replicas - 30);
  const plugin = ["-n", releaseNamespace, "daemonset/secrets-store-csi-driver"];
  const took = await seconds(async () => {
    await Promise.all([scale(replicas), kubectl("rollout", "restart", ...plugin)]);
    await isCrowdOf(replicas);
  });
  await kubectl("rollout", "status", ...plugin, "--timeout=120s");
  console.log(`30 pods more ready ${took} s after the DaemonSet was rolled`);
  await eachReads("first value of crowd-10");
});

test("the node is drained: pods go and the plugin stays; uncordoned, they come back", async () => {
  const node = (await pluginPod()).spec.nodeName;
  const { uid } = (await pluginPod()).metadata;
  const drained = await kubectl("drain", node, "--ignore-daemonsets", "--force", "--timeout=240s");
  console.log(
    `$ kubectl drain ${node}: pods evicted: ${drained.match(/evicting pod/g)?.length ?? 0}; last: ${drained.trim().split("\n").at(-1) ?? ""}`,
  );
  expect((await pluginPod()).metadata.uid).toBe(uid);
  expect((await crowd()).filter(({ spec }) => spec.nodeName === node)).toEqual([]);
  if (notHere === undefined) expect(await mountsOfPods()).toEqual([]);
  await scale(10);
  await kubectl("uncordon", node);
  await isCrowdOf(10);
  await eachReads("first value of crowd-10");
});

test.skipIf(noReboot !== undefined)(
  `the node is restarted, and everything in memory is gone: its pods come back, with what the vault has by then${noReboot === undefined ? "" : ` (${noReboot})`}`,
  async () => {
    const before = (await crowd()).map(({ metadata }) => metadata.uid).toSorted();
    await vault.set("crowd-10", "second value of crowd-10");
    const took = await seconds(async () => {
      await restartNode();
      // By number, since the cluster takes the node for ready until it misses it.
      await until("every container was started again", async () =>
        (await crowd()).every(({ status }) =>
          status.containerStatuses?.every(({ ready, restartCount }) => ready && restartCount > 0),
        ),
      );
    });
    await pluginIsReady();
    const after = await crowd();
    console.log(`10 pods ready ${took} s after the node went down
$ kubectl describe pod ${after[0]?.metadata.name ?? ""}\n${await describedEvents(after[0]?.metadata.name ?? "")}`);
    expect(after.map(({ metadata }) => metadata.uid).toSorted()).toEqual(before);
    await eachReads("second value of crowd-10");
  },
);
