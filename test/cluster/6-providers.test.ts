import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildGoProvider, startGoPeer, type GoPeer } from "../provider/go-peer.ts";
import { cluster, vault } from "./cluster.ts";
import { apply, describedEvents, describedOnce, exec, failedMount, get, kubectl, ready, remove } from "./kubectl.ts";
import { whyNotHere } from "./node.ts";
import { credentials, credentialsSecret, mountPath, pod, secretClass } from "./objects.ts";
import { install } from "./release.ts";
import { until } from "./shell.ts";

const notHere = await whyNotHere();
const onTheNode = test.skipIf(notHere !== undefined);
const but = notHere === undefined ? "" : ` (${notHere})`;

const values = join(cluster.dir, "values.yaml");
const primary = "/var/run/secrets-store-csi-providers/other.sock";
const additional = "/etc/kubernetes/secrets-store-csi-providers/other.sock";
const file = `${mountPath}-2/other`;
let program: string;
let provider: GoPeer;

/** What the provider has to give from now on. */
const holds = (version: number): void => {
  provider.control({
    objectVersion: [{ id: "other", version: String(version) }],
    files: [{ path: "other", mode: 0o644, contents: `value ${version}` }],
  });
};

/** The provider, as its own DaemonSet would start it on this node. */
async function start(socketPath: string, version: number): Promise<void> {
  provider = await startGoPeer(program, socketPath);
  holds(version);
}

/** A class of the other provider, whose file is a Kubernetes Secret, too. */
function otherClass(name: string): object {
  const data = [{ objectName: "other", key: "key" }];
  const spec = { provider: "other", parameters: { any: "thing" }, secretObjects: [{ secretName: name, data }] };
  return { apiVersion: "secrets-store.csi.x-k8s.io/v1", kind: "SecretProviderClass", metadata: { name }, spec };
}

async function reads(value: string): Promise<void> {
  await until(`the pod reads ${value}`, async () => (await exec("both", "cat", file)) === value);
}

beforeAll(async () => {
  if (notHere !== undefined) return;
  program = buildGoProvider();
  await vault.set("ours", "value of ours");
  await apply(credentialsSecret(credentials), secretClass("ours", ["ours"]), otherClass("others"));
  await install(values, [
    "secrets-store-csi-driver.enableSecretRotation=true",
    "secrets-store-csi-driver.rotationPollInterval=2s",
    "secrets-store-csi-driver.syncSecret.enabled=true",
  ]);
  await start(primary, 1);
});
afterAll(async () => {
  if (notHere !== undefined) return;
  await remove("both", "late");
  await provider.stop();
  for (const path of [primary, additional])
    for (const suffix of ["", ".record", ".control"]) await rm(`${path}${suffix}`, { force: true });
  await install(values);
});

onTheNode(`a pod has a volume of ours and one of another provider, which is mirrored like ours${but}`, async () => {
  await apply(pod({ name: "both", classes: ["ours", "others"], needs: file }));
  await ready("both");
  expect(await exec("both", "cat", `${mountPath}/ours`)).toBe("value of ours");
  expect(await exec("both", "cat", file)).toBe("value 1");
  expect(await get("secret", "others")).toMatchObject({ data: { key: Buffer.from("value 1").toString("base64") } });
});

onTheNode(`what it holds later, and after it was restarted, reaches the running pod${but}`, async () => {
  holds(2);
  await reads("value 2");
  await provider.stop();
  await start(primary, 3);
  await reads("value 3");
});

onTheNode(`it is found in another directory, which is looked in first${but}`, async () => {
  await provider.stop();
  await start(additional, 4);
  await reads("value 4");
});

onTheNode(`when it has gone the files stay, an event says why, and a pod that starts waits for it${but}`, async () => {
  await provider.stop();
  await rm(additional, { force: true });
  await rm(primary, { force: true });
  await apply(pod({ name: "late", classes: ["ours", "others"], needs: file }));
  expect(await failedMount("late")).toContain('provider "other"');
  const events = await describedOnce("both", "MountRotationFailed");
  console.log(`$ kubectl describe pod both\n${events}\n$ kubectl describe pod late\n${await describedEvents("late")}`);
  expect(await exec("both", "cat", file)).toBe("value 4");
  await start(primary, 5);
  await ready("late");
  await reads("value 5");
  await kubectl("delete", "secret", "others", "--ignore-not-found");
});
