import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { onPage } from "../fakes/troubleshooting-page.ts";
import { cluster, resetCounters, vault, vaultNamed } from "./cluster.ts";
import { register } from "./entra.ts";
import {
  apply,
  describedEvents,
  describedOnce,
  exec,
  failedMounts,
  get,
  kubectl,
  list,
  ready,
  remove,
  type KubernetesObject,
} from "./kubectl.ts";
import { mountsOfPod, podDirectory, whyNotHere } from "./node.ts";
import { credentials, credentialsSecret, mountPath, pod, secretClass, syncedClass } from "./objects.ts";
import { install } from "./release.ts";
import { until } from "./shell.ts";

/** How long the vault is away. */
const OUTAGE_MS = 120_000;
const notHere = await whyNotHere();
const values = join(cluster.dir, "values.yaml");
const [downVault, busyVault] = [vaultNamed("other-vault"), vaultNamed("third-vault")];
const busy = Array.from({ length: 10 }, (_, index) => `busy-${index + 1}`);
const pods = ["from-before", "patient", "first", "second", "foreign", "hostile", "unhealed", "bystander", ...busy];
let mountsBefore: readonly string[];
let outageEnds: number;

/** A pod of a class of its own name, whose one object has that name. */
function own(name: string, secret?: string): object {
  return pod({ name, classes: [name], needs: `${mountPath}/${name}`, ...(secret && { credentials: secret }) });
}
function read(name: string): Promise<string> {
  return exec(name, "cat", `${mountPath}/${name}`);
}
async function uidOf(name: string): Promise<string> {
  return (await get("pod", name))?.metadata.uid ?? "";
}

beforeAll(async () => {
  const visitor = await register({ clientSecret: "visitor's secret" });
  for (const each of [downVault, busyVault]) await each.letRead(visitor);
  await apply(
    credentialsSecret(credentials),
    credentialsSecret("visitor", { clientId: visitor.clientId, clientSecret: "visitor's secret" }),
  );
  for (const name of ["from-before", "first", "second", "foreign", "hostile", "bystander"])
    await vault.set(name, `first value of ${name}`);
  await downVault.set("patient", "first value of patient");
  await apply(secretClass("from-before", ["from-before"]), own("from-before"));
  await ready("from-before");
  mountsBefore = notHere === undefined ? await mountsOfPod(await uidOf("from-before")) : [];
  const driver = "secrets-store-csi-driver";
  const rotation = [`${driver}.enableSecretRotation=true`, `${driver}.rotationPollInterval=5s`];
  await install(values, [...rotation, `${driver}.syncSecret.enabled=true`]);
  await apply(
    secretClass("patient", ["patient"], { parameters: { keyvaultName: downVault.name } }),
    own("patient", "visitor"),
    privileged(pod({ name: "unhealed", classes: ["patient"], needs: `${mountPath}/patient`, credentials: "visitor" })),
  );
  await ready("patient", "unhealed");
  await downVault.misbehave({ kind: "drop" });
  outageEnds = Date.now() + OUTAGE_MS;
  await downVault.set("patient", "second value of patient");
  await vault.set("from-before", "second value of from-before");
});
afterAll(async () => {
  for (const each of [downVault, busyVault]) await each.behave();
  await remove(...pods);
  await kubectl("delete", "secret", "shared", "foreign-made", "--ignore-not-found");
  await install(values);
});

interface LiveSecret extends KubernetesObject {
  readonly metadata: KubernetesObject["metadata"] & { readonly resourceVersion: string };
  readonly data: Readonly<Record<string, string>>;
}

test("two classes name one Secret: the first has it, the second's pod runs, reads why, and writes nothing", async () => {
  await apply(syncedClass("first", "first", "shared"), own("first"));
  await ready("first");
  const before = await until("the Secret is there", () => get<LiveSecret>("secret", "shared"));
  await apply(syncedClass("second", "second", "shared"), own("second"));
  await ready("second");
  const described = await describedOnce("second", onPage('Secret <secret> mirrors SecretProviderClass "<class>"'));
  console.log(`$ kubectl describe pod second\n${described}`);
  expect(described).toContain("FailedToCreateSecret");
  expect(await read("second")).toBe("first value of second");
  const after = await get<LiveSecret>("secret", "shared");
  expect(after?.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
  expect(Buffer.from(after?.data["password"] ?? "", "base64").toString()).toBe("first value of first");
});

test("a Secret of that name is somebody's: it is left alone, and the user reads how to hand it over", async () => {
  await kubectl("create", "secret", "generic", "foreign-made", "--from-literal=password=theirs");
  const before = await get<LiveSecret>("secret", "foreign-made");
  await apply(syncedClass("foreign", "foreign", "foreign-made"), own("foreign"));
  await ready("foreign");
  const text = onPage("Secret <secret> is there already and not managed by this driver");
  console.log(`$ kubectl describe pod foreign\n${await describedOnce("foreign", text)}`);
  expect(await get<LiveSecret>("secret", "foreign-made")).toEqual(before);
});

/** What the bystander has: names, kinds, links, times and contents. */
function stateOfBystander(): Promise<string> {
  return exec("bystander", "sh", "-c", `cd ${mountPath} && ls -lAR --full-time . && cat bystander`);
}

/** As it is, in a container that may mount. */
function privileged(of: object): object {
  const { spec, ...rest } = of as { readonly spec: { readonly containers: readonly object[] } };
  const securityContext = { privileged: true };
  return { ...rest, spec: { ...spec, containers: spec.containers.map((one) => ({ ...one, securityContext })) } };
}

/**
 * Such a container makes its volume writable, and puts links to another pod's volume in the place of whatever the plugin
 * writes, lists or removes; directories full of links beside them, too.
 */
async function turnHostile(name: string, file: string, victim: string): Promise<void> {
  const script = `
    mount -o remount,bind,rw ${mountPath} && cd ${mountPath} || exit 1
    mkdir -p ..left/a/b
    for at in ..left ..left/a ..left/a/b; do ln -sfn "${victim}" "$at/out"; ln -sfn "${victim}/..data" "$at/in"; done
    for version in ..2*; do rm -r "$version"; ln -sfn "${victim}" "$version"; done
    for name in ..data ..data_tmp stale; do ln -sfn "${victim}" "$name"; done
    ln -sfn "${victim}/bystander" ${file}
    readlink ..data`;
  expect(await exec(name, "sh", "-c", script)).toBe(`${victim}\n`);
}

test("hostile pods fill their volumes with links to another pod's: rotation and unpublish touch nothing there", async () => {
  await apply(secretClass("hostile", ["hostile"]), secretClass("bystander", ["bystander"]));
  await apply(own("bystander"), privileged(own("hostile")));
  await ready("hostile", "bystander");
  const before = await stateOfBystander();
  const victim = join(podDirectory(await uidOf("bystander")), "volumes/kubernetes.io~csi/secrets-1/mount");
  await turnHostile("hostile", "hostile", victim);
  await vault.set("hostile", "second value of hostile");
  await until(
    "rotation has put the volume right",
    async () => (await read("hostile").catch(() => "")) === "second value of hostile",
  );
  const left = await exec("hostile", "ls", "-A", mountPath);
  console.log(`what rotation left of the hostile volume:\n${left}`);
  expect(left.trim().split("\n")).toEqual([expect.stringMatching(/^\.\.\d{4}_/), "..data", "hostile"]);
  expect(await stateOfBystander()).toBe(before);
  // While its vault is down, no rotation puts this one right: it is unpublished as it is.
  await turnHostile("unhealed", "patient", victim);
  const uid = await uidOf("unhealed");
  await remove("unhealed");
  expect(await stateOfBystander()).toBe(before);
  if (notHere === undefined) expect(await mountsOfPod(uid)).toEqual([]);
});

test("ten pods start at a vault that limits requests: all start, and none sees a failure", async () => {
  const secrets = busy.flatMap((name) => [`${name}-a`, `${name}-b`, `${name}-c`]);
  for (const name of secrets) await busyVault.set(name, `value of ${name}`);
  const parameters = { keyvaultName: busyVault.name };
  await resetCounters();
  await busyVault.misbehave({ kind: "refuse", status: 429, retryAfterS: 2, abovePerSecond: 5 });
  const startedAt = Date.now();
  const items = busy.flatMap((name) => [
    secretClass(name, [`${name}-a`, `${name}-b`, `${name}-c`], { parameters }),
    pod({ name, classes: [name], needs: `${mountPath}/${name}-c`, credentials: "visitor" }),
  ]);
  await apply({ apiVersion: "v1", kind: "List", items });
  await ready(...busy);
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  const { answers } = await busyVault.counters();
  const of = (status: number): number =>
    Object.entries(answers).reduce((sum, [answer, count]) => sum + (answer.endsWith(` ${status}`) ? count : 0), 0);
  console.log(`ten pods of 3 secrets at a vault that takes 5 requests a second: ready after ${seconds} s; answers
200: ${of(200)}, 429: ${of(429)}`);
  await busyVault.behave();
  expect(of(429)).toBeGreaterThan(0);
  for (const name of busy) expect(await failedMounts(name)).toEqual([]);
});

test("the release is upgraded in place: the pod from before has kept its mount, and rotation reaches it", async () => {
  await until("it reads the second value", async () => (await read("from-before")) === "second value of from-before");
  if (notHere === undefined) expect(await mountsOfPod(await uidOf("from-before"))).toEqual(mountsBefore);
});

test("a vault is down for two minutes: files stay, events are a handful, and rotation catches up by itself", async () => {
  await delay(Math.max(0, outageEnds - Date.now()));
  expect(await read("patient")).toBe("first value of patient");
  const events = await list<KubernetesObject & { readonly count?: number }>(
    "events",
    "--field-selector",
    "involvedObject.name=patient,reason=MountRotationFailed",
  );
  const told = events.reduce((sum, { count = 1 }) => sum + count, 0);
  console.log(`$ kubectl describe pod patient\n${await describedEvents("patient")}\nevents of trouble: ${told}`);
  expect(told).toBeGreaterThanOrEqual(1);
  expect(told).toBeLessThanOrEqual(5);
  expect(await describedOnce("patient", onPage("; the mounted content stays as it is"))).toContain("Warning");
  await downVault.behave();
  const backAt = Date.now();
  await until("it reads the second value", async () => (await read("patient")) === "second value of patient");
  console.log(`caught up ${((Date.now() - backAt) / 1000).toFixed(1)} s after the vault was back`);
});
