import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cluster, vault } from "./cluster.ts";
import { apply, describedOnce, exec, get, kubectl, list, ready, remove, type KubernetesObject } from "./kubectl.ts";
import { pauseApiServer, podDirectory, whyNotHere } from "./node.ts";
import { credentials, credentialsSecret, deployment, mountPath, pod, secretClass, syncedClass } from "./objects.ts";
import { install } from "./release.ts";
import { until } from "./shell.ts";

const notHere = await whyNotHere();
const onTheNode = test.skipIf(notHere !== undefined);
const but = notHere === undefined ? "" : ` (${notHere})`;

beforeAll(async () => {
  for (const name of ["turning", "mirrored", "lasting-hour"]) await vault.set(name, `first value of ${name}`);
  await apply(credentialsSecret(credentials), secretClass("turning", ["turning"]));
  const driver = "secrets-store-csi-driver";
  await install(join(cluster.dir, "values.yaml"), [
    `${driver}.enableSecretRotation=true`,
    // Longer than a request to the API server may take, so that a pass outlasts one that hangs.
    `${driver}.rotationPollInterval=15s`,
    `${driver}.syncSecret.enabled=true`,
  ]);
});
afterAll(async () => {
  await kubectl("delete", "deployment,job,statefulset", "--all", "--cascade=foreground", "--timeout=180s");
  await remove("turning", "waiting", "lasting-hour");
  await install(join(cluster.dir, "values.yaml"));
});

async function secretValue(name: string): Promise<string | undefined> {
  const secret = await get<KubernetesObject & { readonly data?: { readonly password?: string } }>("secret", name);
  return secret?.data?.password === undefined ? undefined : Buffer.from(secret.data.password, "base64").toString();
}

async function ownersOf(name: string): Promise<readonly string[]> {
  const secret = await get("secret", name);
  return (secret?.metadata.ownerReferences ?? []).map(({ uid }) => uid).toSorted();
}

/** UIDs of the ReplicaSets of Deployments. */
async function replicaSets(...deployments: readonly string[]): Promise<readonly string[]> {
  const selector = `app in (${deployments.join(", ")})`;
  const found = await list<KubernetesObject>("replicasets", "-l", selector);
  return found.map(({ metadata }) => metadata.uid).toSorted();
}

async function rolledOut(name: string): Promise<void> {
  await kubectl("rollout", "status", `deployment/${name}`, "--timeout=180s");
}

test("a running pod sees the new version, and an event says which it is and not what", async () => {
  await apply(pod({ name: "turning", classes: ["turning"], needs: `${mountPath}/turning` }));
  await ready("turning");
  await vault.set("turning", "second value of turning");
  await until(
    "the pod reads the second value",
    async () => (await exec("turning", "cat", `${mountPath}/turning`)) === "second value of turning",
  );
  const events = await describedOnce("turning", "MountRotationComplete");
  console.log(events);
  expect(events).toContain("secret/turning is version ");
  expect(events).not.toContain("second value");
});

test("a Deployment of two replicas, and a second one: the Secret belongs to both ReplicaSets, and goes with the last", async () => {
  await apply(syncedClass("mirrored", "mirrored"));
  const shape = (name: string) => ({ name, classes: ["mirrored"], needs: `${mountPath}/mirrored` });
  await apply(deployment(shape("one"), 2));
  await rolledOut("one");
  expect(await secretValue("mirrored")).toBe("first value of mirrored");
  expect(await ownersOf("mirrored")).toEqual(await replicaSets("one"));
  await apply(deployment(shape("two"), 2));
  await rolledOut("two");
  await until("both own it", async () => (await ownersOf("mirrored")).length === 2);
  expect(await ownersOf("mirrored")).toEqual(await replicaSets("one", "two"));
  await vault.set("mirrored", "second value of mirrored");
  await until("it is rotated", async () => (await secretValue("mirrored")) === "second value of mirrored");
  await kubectl("delete", "deployment", "one", "--cascade=foreground", "--timeout=180s");
  await until("one owner is left", async () => (await ownersOf("mirrored")).length === 1);
  expect(await ownersOf("mirrored")).toEqual(await replicaSets("two"));
  await kubectl("delete", "deployment", "two", "--cascade=foreground", "--timeout=180s");
  await until("it is gone with the last", async () => (await get("secret", "mirrored")) === undefined);
});

test("a pod that takes an environment variable from the Secret waits for it, and has it", async () => {
  await apply(syncedClass("variable", "mirrored"));
  const waiting = pod({ name: "waiting", classes: ["variable"], needs: `${mountPath}/mirrored` });
  const spec = waiting.spec as { readonly containers: readonly object[] };
  const valueFrom = { secretKeyRef: { name: "variable", key: "password" } };
  const containers = spec.containers.map((container) => ({ ...container, env: [{ name: "PASSWORD", valueFrom }] }));
  await apply({ ...waiting, spec: { ...spec, containers } });
  await ready("waiting");
  expect(await exec("waiting", "sh", "-c", 'echo "$PASSWORD"')).toBe("second value of mirrored\n");
  await remove("waiting");
  await until(
    "the Secret goes with the bare pod's status",
    async () => (await get("secret", "variable")) === undefined,
  );
});

test("a Job reads its volume and completes; its Secret is the Job's", async () => {
  await apply(syncedClass("of-job", "mirrored"));
  const { spec } = pod({ name: "job", classes: ["of-job"], needs: `${mountPath}/mirrored` });
  const { containers, ...rest } = spec as { readonly containers: readonly object[] };
  const command = ["sh", "-c", `test -s ${mountPath}/mirrored`];
  const template = { spec: { ...rest, containers: containers.map((container) => ({ ...container, command })) } };
  await apply({ apiVersion: "batch/v1", kind: "Job", metadata: { name: "job" }, spec: { template, backoffLimit: 0 } });
  await kubectl("wait", "--for=condition=Complete", "job/job", "--timeout=180s");
  expect(await ownersOf("of-job")).toEqual([(await get("job", "job"))?.metadata.uid]);
});

test("a StatefulSet's pod that comes back under its name has its volume, its own status and its Secret again", async () => {
  await apply(syncedClass("of-set", "mirrored"));
  const labels = { app: "set" };
  const { spec } = pod({ name: "set", classes: ["of-set"], needs: `${mountPath}/mirrored` });
  const template = { metadata: { labels }, spec: { ...spec, restartPolicy: "Always" } };
  const set = { serviceName: "set", replicas: 1, selector: { matchLabels: labels }, template };
  await apply({ apiVersion: "apps/v1", kind: "StatefulSet", metadata: { name: "set" }, spec: set });
  await kubectl("rollout", "status", "statefulset/set", "--timeout=180s");
  const before = (await get("pod", "set-0"))?.metadata.uid;
  await kubectl("delete", "pod", "set-0", "--grace-period=1", "--timeout=180s");
  await until("it is back", async () => {
    const back = await get("pod", "set-0");
    return back !== undefined && back.metadata.uid !== before;
  });
  await kubectl("rollout", "status", "statefulset/set", "--timeout=180s");
  const uid = (await get("pod", "set-0"))?.metadata.uid;
  await until("the status is the new pod's", async () => {
    const status = await get("secretproviderclasspodstatus", "set-0-azure-keyvault-csi-test-of-set");
    return status?.metadata.ownerReferences?.some((owner) => owner.uid === uid);
  });
  expect(await ownersOf("of-set")).toEqual([(await get("statefulset", "set"))?.metadata.uid]);
  expect(await secretValue("of-set")).toBe("second value of mirrored");
});

onTheNode(
  `the API server stops for a minute: volumes go on rotating, what is owed is paid afterwards${but}`,
  async () => {
    await apply(secretClass("lasting-hour", ["lasting-hour"]));
    await apply(pod({ name: "lasting-hour", classes: ["lasting-hour"], needs: `${mountPath}/lasting-hour` }));
    await ready("lasting-hour");
    const uid = (await get("pod", "lasting-hour"))?.metadata.uid ?? "";
    const file = join(podDirectory(uid), "volumes/kubernetes.io~csi/secrets-1/mount/lasting-hour");
    const statusName = "lasting-hour-azure-keyvault-csi-test-lasting-hour";
    const statusOf = () =>
      kubectl("get", "secretproviderclasspodstatus", statusName, "-o", "jsonpath={.status.objects}");
    const before = await statusOf();
    const apiServer = await pauseApiServer();
    try {
      const end = Date.now() + 60_000;
      await vault.set("lasting-hour", "value of the minute");
      await until("the file is rotated", async () => (await readFile(file, "utf8")) === "value of the minute", 60_000);
      await delay(Math.max(0, end - Date.now()));
    } finally {
      apiServer.resume();
    }
    await until("the API server answers again", () => kubectl("get", "--raw", "/readyz").catch(() => undefined));
    await until("the status names the new version", async () => (await statusOf()) !== before);
    expect(await exec("lasting-hour", "cat", `${mountPath}/lasting-hour`)).toBe("value of the minute");
  },
  300_000,
);
