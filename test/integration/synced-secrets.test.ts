import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { KubernetesObject } from "../../src/emulator/kubernetes/objects.ts";
import { createCanary, findLeaks } from "../fakes/canary.ts";
import { freePort } from "../fakes/free-port.ts";
import { secretObject, startWorld, type PluginProcess, type World } from "../fakes/world.ts";

const namespace = "default";

let world: World;
let plugin: PluginProcess;
let metricsPort: number;

beforeAll(async () => {
  world = await startWorld();
  const vault = world.emulator.vaults.named("demo-vault");
  vault.setSecret("DemoSecret", "MyExampleSecret");
  await vault.createCertificate("site", { subject: "CN=shop.example.com", key: "RSA-2048" });
  world.emulator.kubernetes.rights.grantSecretSync(true);
  metricsPort = await freePort();
  plugin = await start();
});

function start(): Promise<PluginProcess> {
  const rotation = ["--enable-secret-rotation", "--rotation-poll-interval=1s"];
  return world.startPlugin({ flags: [...rotation, "-v=10", `--metrics-addr=127.0.0.1:${metricsPort}`] });
}

afterAll(async () => {
  expect(await plugin.stop()).toBe(0);
  await world.close();
});

/** A pod, and a class that asks for Kubernetes Secrets. */
async function createPod(pod: string, objects: string, ...secretObjects: readonly object[]): Promise<void> {
  await world.createPod({ pod, objects });
  const key = { plural: "secretproviderclasses", namespace, name: pod };
  const spc = await world.emulator.cluster.get(key);
  if (spc === undefined) throw new Error("there is no class");
  await world.emulator.cluster.put({ ...spc, spec: { ...(spc["spec"] as object), secretObjects } });
}

async function secretNamed(name: string): Promise<KubernetesObject | undefined> {
  return world.emulator.cluster.get({ plural: "secrets", namespace, name });
}

async function valueOf(name: string, key: string): Promise<string> {
  const data = (await secretNamed(name))?.["data"] as Readonly<Record<string, string>> | undefined;
  return Buffer.from(data?.[key] ?? "", "base64").toString();
}

/** What the events of a pod say. */
function eventsOf(pod: string): readonly string[] {
  const events = world.emulator.kubernetes.objects.list("events");
  return events
    .filter(({ involvedObject }) => (involvedObject as { name: string }).name === pod)
    .map(({ message }) => String(message));
}

const opaque = (secretName: string): object => ({
  secretName,
  data: [{ objectName: "DemoSecret", key: "password" }],
});

test("when a volume is published, its Secret is there and belongs to the bare pod's status; it goes with the pod", async () => {
  await createPod("opaque", secretObject("DemoSecret"), opaque("opaque-synced"));
  await world.kubelet.publish("opaque");
  expect(await valueOf("opaque-synced", "password")).toBe("MyExampleSecret");
  expect((await secretNamed("opaque-synced"))?.metadata.ownerReferences).toMatchObject([
    { kind: "SecretProviderClassPodStatus", name: "opaque-default-opaque" },
  ]);
  await world.kubelet.unpublish("opaque");
  await world.emulator.cluster.delete({ plural: "pods", namespace, name: "opaque" });
  expect(await secretNamed("opaque-synced")).toBeUndefined();
});

test("a certificate of the vault is a TLS Secret that a server takes", async () => {
  const data = ["tls.crt", "tls.key"].map((key) => ({ objectName: "site", key }));
  const tls = { secretName: "site-tls", type: "kubernetes.io/tls", labels: { app: "shop" }, data };
  await createPod("site", secretObject("site"), tls);
  await world.kubelet.publish("site");
  const [cert, key] = [await valueOf("site-tls", "tls.crt"), await valueOf("site-tls", "tls.key")];
  createSecureContext({ cert, key });
  expect(new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))).toBe(true);
  expect(key).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n/);
  const secret = await secretNamed("site-tls");
  expect(secret?.["type"]).toBe("kubernetes.io/tls");
  expect(secret?.metadata.labels).toEqual({ app: "shop", "secrets-store.csi.k8s.io/managed": "true" });
});

test("a new version in the vault is in the Secret after the next pass", async () => {
  await createPod("rotated", secretObject("DemoSecret"), opaque("rotated-synced"));
  await world.kubelet.publish("rotated");
  world.emulator.vaults.named("demo-vault").setSecret("DemoSecret", "Changed");
  await expect.poll(() => valueOf("rotated-synced", "password"), { timeout: 30_000 }).toBe("Changed");
});

test("a Secret that somebody else made is left alone, and the pod starts", async () => {
  const theirs = { apiVersion: "v1", kind: "Secret", metadata: { namespace, name: "theirs" } };
  await world.emulator.cluster.put({ ...theirs, stringData: { password: "theirs" } });
  const before = await secretNamed("theirs");
  await createPod("polite", secretObject("DemoSecret"), opaque("theirs"));
  expect(await world.kubelet.publish("polite")).toHaveLength(1);
  expect(await secretNamed("theirs")).toEqual(before);
  await expect.poll(() => eventsOf("polite").join(), { timeout: 30_000 }).toContain("not managed by this driver");
});

test("without the right to write Secrets the pod starts; the Secret is there once the right is", async () => {
  world.emulator.kubernetes.rights.grantSecretSync(false);
  await createPod("rightless", secretObject("DemoSecret"), opaque("late"));
  expect(await world.kubelet.publish("rightless")).toHaveLength(1);
  expect(await secretNamed("late")).toBeUndefined();
  const remedy = "secrets-store-csi-driver.syncSecret.enabled=true";
  await expect.poll(() => eventsOf("rightless").join(), { timeout: 30_000 }).toContain(remedy);
  // Who gives the right by the chart's value has the plugin started anew.
  world.emulator.kubernetes.rights.grantSecretSync(true);
  expect(await plugin.stop()).toBe(0);
  plugin = await start();
  await world.kubelet.publish("rightless");
  await expect.poll(() => secretNamed("late"), { timeout: 30_000 }).toBeDefined();
});

test("while the API server does not answer to writes of a Secret, ten pods that want it start, and it is there afterwards", async () => {
  const names = Array.from({ length: 10 }, (_, index) => `replica-${index}`);
  for (const pod of names) await world.createPod({ pod, className: "replicas", secretObjects: [opaque("shared")] });
  world.emulator.kubernetes.ignore(/^POST .*\/secrets$/);
  // One after another they would wait for 100 s.
  const limits = { deadlineMs: 50_000 };
  expect((await Promise.all(names.map((pod) => world.kubelet.publish(pod, limits)))).flat()).toHaveLength(10);
  expect(await secretNamed("shared")).toBeUndefined();
  world.emulator.kubernetes.ignore(undefined);
  await expect.poll(() => secretNamed("shared"), { timeout: 30_000 }).toBeDefined();
});

test("no value of a Secret is in any event, log line or metric, whatever fails", async () => {
  const canary = createCanary();
  world.emulator.vaults.named("demo-vault").setSecret("Canary", canary);
  const data = (...keys: readonly string[]) => keys.map((key) => ({ objectName: "Canary", key }));
  await world.emulator.cluster.put({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { namespace, name: "foreign" },
    stringData: { a: canary },
  });
  await createPod(
    "canary",
    secretObject("Canary"),
    { secretName: "canary-good", data: data("a") },
    { secretName: "canary-tls", type: "kubernetes.io/tls", data: data("tls.crt", "tls.key") },
    { secretName: "canary-json", type: "kubernetes.io/dockerconfigjson", data: data(".dockerconfigjson") },
    { secretName: "canary-unfit", labels: { a: "b c" }, data: data("a") },
    { secretName: "foreign", data: data("a") },
  );
  await world.kubelet.publish("canary");
  expect(await valueOf("canary-good", "a")).toBe(canary);
  const told = ["canary-tls", "canary-json", "canary-unfit", "foreign"];
  await expect
    .poll(() => told.filter((name) => eventsOf("canary").some((message) => message.includes(name))), {
      timeout: 30_000,
    })
    .toEqual(told);
  const places = {
    events: JSON.stringify(world.emulator.kubernetes.objects.list("events")),
    stdout: plugin.stdout(),
    stderr: plugin.stderr(),
    metrics: await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text(),
  };
  expect(places.metrics).toContain("sync_k8s_secret_error_total");
  expect(findLeaks([canary], places)).toEqual([]);
});
