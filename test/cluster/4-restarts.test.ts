import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cluster, resetCounters, vault } from "./cluster.ts";
import { apply, exec, get, kubectl, ready, remove, type Pod } from "./kubectl.ts";
import { killPlugin, mountsOfPod, restartKubelet, whyNotHere } from "./node.ts";
import { credentials, credentialsSecret, mountPath, pod, secretClass } from "./objects.ts";
import { pluginIsReady, pluginLog, pluginPod, timesUsed } from "./plugin.ts";
import { install, releaseNamespace } from "./release.ts";
import { until } from "./shell.ts";

const notHere = await whyNotHere();
const onTheNode = test.skipIf(notHere !== undefined);
const but = notHere === undefined ? "" : ` (${notHere})`;
const statuses = "secretproviderclasspodstatuses.secrets-store.csi.x-k8s.io";

beforeAll(async () => {
  await vault.set("steady", "steady value");
  await apply(credentialsSecret(credentials), secretClass("steady", ["steady"]));
  await apply(shape("running"));
  await ready("running");
});
afterAll(async () => {
  await vault.delay(0);
  await install(join(cluster.dir, "values.yaml"));
  await remove("running", "after-kill", "midway", "after-kubelet", "known");
});

function shape(name: string): object {
  return pod({ name, classes: ["steady"], needs: `${mountPath}/steady` });
}

/** As at the beginning of a line of the log, after its first letter: `1124 16:53:46.435`. */
function klogTime(time: Date): string {
  const [, month = "", day = "", clock = ""] = /^\d{4}-(\d\d)-(\d\d)T(.{12})/.exec(time.toISOString()) ?? [];
  return `${month}${day} ${clock}`;
}

function read(name: string): Promise<string> {
  return exec(name, "cat", `${mountPath}/steady`);
}

onTheNode(`our process is killed under a running pod: its files stay, and the next pod mounts${but}`, async () => {
  await killPlugin();
  expect(await read("running")).toBe("steady value");
  await apply(shape("after-kill"));
  await ready("after-kill");
  expect(await read("after-kill")).toBe("steady value");
  expect(await read("running")).toBe("steady value");
});

onTheNode(
  `our process is killed in the middle of a publish: the pod starts later, on a whole volume${but}`,
  async () => {
    // A secret of its own: what another pod has just read would be shared, and the vault not asked.
    await vault.set("midway", "midway value");
    await apply(secretClass("midway", ["midway"]));
    await resetCounters();
    await vault.delay(8_000);
    await apply(pod({ name: "midway", classes: ["midway"], needs: `${mountPath}/midway` }));
    await until("the vault is asked", async () => (await vault.counters()).peakInFlight > 0);
    await killPlugin();
    await vault.delay(0);
    await ready("midway");
    expect(await exec("midway", "cat", `${mountPath}/midway`)).toBe("midway value");
  },
);

onTheNode(`killed, and kubelet publishes again: running volumes are taken over without a new mount${but}`, async () => {
  await install(join(cluster.dir, "values.yaml"), ["secrets-store-csi-driver.enableSecretRotation=true"]);
  const uid = (await get("pod", "running"))?.metadata.uid ?? "";
  const mounts = await mountsOfPod(uid);
  const content = await exec("running", "readlink", `${mountPath}/..data`);
  await killPlugin();
  await pluginIsReady();
  // Kubelet publishes again when it looks at a pod: now and then, and when the pod changes.
  await kubectl("annotate", "pod", "running", "--overwrite", `looked-at=${Date.now()}`);
  await until("the volume's status is read", async () => (await timesUsed(`get ${statuses}`).catch(() => 0)) > 0);
  expect(mounts).toHaveLength(1);
  expect(await mountsOfPod(uid)).toEqual(mounts);
  expect(await exec("running", "readlink", `${mountPath}/..data`)).toBe(content);
  expect(await read("running")).toBe("steady value");
});

onTheNode(`kubelet is restarted: it finds the plugin again, and the next pod mounts${but}`, async () => {
  const restartedAt = klogTime(new Date());
  await restartKubelet();
  // By time and not by number: the container, and its log, may be younger than one thinks.
  await until("kubelet has registered the plugin again", async () =>
    (await pluginLog().catch(() => [])).some(
      (line) => line.includes('"Registered with kubelet"') && line.slice(1, 18) > restartedAt,
    ),
  );
  await apply(shape("after-kubelet"));
  await ready("after-kubelet");
  expect(await read("after-kubelet")).toBe("steady value");
  expect(await read("running")).toBe("steady value");
});

test("the plugin's pod is deleted: the next one takes its place, and a pod of the same name as before mounts anew", async () => {
  await apply(shape("known"));
  await ready("known");
  await kubectl("delete", "pod", "-n", releaseNamespace, (await pluginPod()).metadata.name);
  await remove("known");
  await apply(shape("known"));
  await ready("known");
  const status = await until("the status names the new pod", async () => {
    const uid = (await get<Pod>("pod", "known"))?.metadata.uid;
    const found = await get(statuses, "known-azure-keyvault-csi-test-steady");
    return found?.metadata.ownerReferences?.some((owner) => owner.uid === uid);
  });
  expect(status).toBe(true);
});
