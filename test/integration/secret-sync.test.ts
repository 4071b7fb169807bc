import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startEmulator, type Emulator } from "../../src/emulator/emulator.ts";
import type { KubernetesObject } from "../../src/emulator/kubernetes/objects.ts";
import { createKubernetesApi } from "../../src/kube/api.ts";
import { createClasses } from "../../src/kube/classes.ts";
import { createKubeconfigAccess } from "../../src/kube/kubeconfig.ts";
import { createPodStatuses } from "../../src/kube/pod-statuses.ts";
import { createPods } from "../../src/kube/pods.ts";
import { createSecrets } from "../../src/kube/secrets.ts";
import type { Volume } from "../../src/model.ts";
import { createPfxFiles } from "../../src/provider/azure/pfx-files.ts";
import { backoff } from "../../src/schedule/backoff.ts";
import { createKeyedLock } from "../../src/sync/keyed-lock.ts";
import { syncSecrets, type SecretOutcome, type SyncPorts, type SyncRequest } from "../../src/sync/sync.ts";
import { podStatusOf } from "../../src/volume/pod-status.ts";
import { createFakeCluster } from "../fakes/cluster.ts";
import { cannotOpenssl, createWorkshop } from "../fakes/pfx.ts";
import { contentOf } from "../fakes/ports.ts";
import { anyAge, aVolume, noSignal } from "../fakes/volumes.ts";

const namespace = "default";
const clock = (): Date => new Date();

let dir: string;
let emulator: Emulator;
let ports: SyncPorts & { readonly statuses: ReturnType<typeof createPodStatuses> };
let classes: ReturnType<typeof createClasses>;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "akv-sync-"));
  emulator = await startEmulator({ dir, ports: { entra: 0, vault: 0, kubernetes: 0 } });
  const api = createKubernetesApi(createKubeconfigAccess(join(dir, "kubeconfig")), "test");
  const cluster = { api, metrics: createFakeCluster(new Error()).metrics };
  classes = createClasses(cluster, clock);
  ports = {
    secrets: createSecrets(cluster),
    pods: createPods(cluster),
    statuses: createPodStatuses(cluster),
    pfx: createPfxFiles({ wantsChain: true, clock }),
    tokenTypesAllowed: false,
    locks: createKeyedLock(),
    backoff,
  };
});

afterAll(async () => {
  await emulator.stop();
  await rm(dir, { recursive: true, force: true });
});

beforeEach(() => {
  emulator.kubernetes.rights.grantSecretSync(true);
  emulator.kubernetes.tally.reset();
});

async function put(kind: string, apiVersion: string, name: string, more: object = {}): Promise<KubernetesObject> {
  const plural = `${kind.toLowerCase()}s`;
  const { metadata = {}, ...rest } = more as { metadata?: object };
  await emulator.cluster.put({ apiVersion, kind, metadata: { namespace, name, ...metadata }, ...rest });
  const stored = await emulator.cluster.get({ plural, namespace, name });
  if (stored === undefined) throw new Error(`${kind} ${name} was not stored`);
  return stored;
}

const replicaSet = (name: string): Promise<KubernetesObject> => put("ReplicaSet", "apps/v1", name);

/** A pod of these owners, and its volume of the class. */
async function mounted(pod: string, className: string, ...owners: readonly KubernetesObject[]): Promise<Volume> {
  const ownerReferences = owners.map(({ apiVersion, kind, metadata: { name, uid = "" } }) => {
    return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
  });
  const { metadata } = await put("Pod", "v1", pod, { metadata: { ownerReferences } });
  return { ...aVolume, className, pod: { namespace, name: pod, uid: metadata.uid ?? "" } };
}

async function createClass(name: string, secretObject: object): Promise<void> {
  const secretObjects = [{ secretName: name, data: [{ objectName: "password", key: "pw" }], ...secretObject }];
  const spec = { provider: "azure", parameters: {}, secretObjects };
  const metadata = { namespace, name };
  await emulator.cluster.put({
    apiVersion: "secrets-store.csi.x-k8s.io/v1",
    kind: "SecretProviderClass",
    metadata,
    spec,
  });
}

const rotated = (): Pick<SyncRequest, "writtenAt" | "fresh"> => ({ writtenAt: clock(), fresh: true });

async function sync(
  volume: Volume,
  texts: Record<string, string> = { password: "hunter2" },
  written = rotated(),
): Promise<SecretOutcome> {
  const secretProviderClass = await classes.read({ namespace, name: volume.className }, anyAge, noSignal);
  const [outcome] = await syncSecrets(
    { volume, secretProviderClass, files: contentOf(texts).files, ...written },
    ports,
    noSignal,
  );
  if (outcome === undefined) throw new Error("there was nothing to do");
  return outcome;
}

async function secretNamed(name: string): Promise<KubernetesObject | undefined> {
  return emulator.cluster.get({ plural: "secrets", namespace, name });
}

async function ownersOf(name: string): Promise<readonly string[]> {
  return ((await secretNamed(name))?.metadata.ownerReferences ?? []).map((owner) => `${owner.kind} ${owner.name}`);
}

function writes(): readonly string[] {
  const answers = Object.keys(emulator.kubernetes.tally.counters().answers);
  return answers.filter((answer) => /^(POST|PATCH) .*secrets/.test(answer));
}

describe("the Secret of a Deployment", () => {
  test("is made in one write with its owner in it, and goes with the owner", async () => {
    await createClass("one", {});
    const owner = await replicaSet("one-1");
    const volume = await mounted("one-1-a", "one", owner);
    expect(await sync(volume)).toEqual({ secretName: "one", outcome: "created" });
    const secret = await secretNamed("one");
    expect(secret?.metadata.ownerReferences).toEqual([
      { apiVersion: "apps/v1", kind: "ReplicaSet", name: "one-1", uid: owner.metadata.uid },
    ]);
    expect(secret?.["data"]).toEqual({ pw: Buffer.from("hunter2").toString("base64") });
    expect(writes()).toEqual([`POST /api/v1/namespaces/${namespace}/secrets 201`]);
    await emulator.cluster.delete({ plural: "replicasets", namespace, name: "one-1" });
    expect(await secretNamed("one")).toBeUndefined();
  });

  test("is shared by two: replicas of both start at once, each owner is in it once, the last one takes it along", async () => {
    await createClass("two", {});
    const owners = await Promise.all([replicaSet("two-1"), replicaSet("two-2")]);
    const volumes = await Promise.all(
      [0, 1, 2, 3, 4, 5, 6, 7].map((index) =>
        mounted(`two-${index}`, "two", ...owners.slice(index % 2, (index % 2) + 1)),
      ),
    );
    const outcomes = (await Promise.all(volumes.map((volume) => sync(volume)))).map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === "created")).toHaveLength(1);
    expect(outcomes).not.toContain("failed");
    expect((await ownersOf("two")).toSorted()).toEqual(["ReplicaSet two-1", "ReplicaSet two-2"]);
    await emulator.cluster.delete({ plural: "replicasets", namespace, name: "two-1" });
    expect(await ownersOf("two")).toEqual(["ReplicaSet two-2"]);
    await emulator.cluster.delete({ plural: "replicasets", namespace, name: "two-2" });
    expect(await secretNamed("two")).toBeUndefined();
  });

  test("is read and not written while nothing changes, and restored when somebody alters or deletes it", async () => {
    await createClass("kept", {});
    const volume = await mounted("kept-1-a", "kept", await replicaSet("kept-1"));
    await sync(volume);
    const before = await secretNamed("kept");
    emulator.kubernetes.tally.reset();
    expect((await sync(volume)).outcome).toBe("unchanged");
    expect(writes()).toEqual([]);
    await put("Secret", "v1", "kept", {
      ...before,
      data: { pw: "Zm9yZ2Vk" },
      metadata: { ...before?.metadata, resourceVersion: undefined },
    });
    expect((await sync(volume)).outcome).toBe("patched");
    expect((await secretNamed("kept"))?.["data"]).toEqual(before?.["data"]);
    await emulator.cluster.delete({ plural: "secrets", namespace, name: "kept" });
    expect((await sync(volume)).outcome).toBe("created");
  });
});

test("the Secret of a bare pod belongs to its status, and goes with the pod", async () => {
  await createClass("bare", {});
  const volume = await mounted("bare", "bare");
  expect((await sync(volume)).outcome).toBe("failed");
  await ports.statuses.apply(podStatusOf(volume, [], "node-1"), noSignal);
  expect((await sync(volume)).outcome).toBe("created");
  expect(await ownersOf("bare")).toEqual(["SecretProviderClassPodStatus bare-default-bare"]);
  await emulator.cluster.delete({ plural: "pods", namespace, name: "bare" });
  expect(await secretNamed("bare")).toBeUndefined();
});

test("a Secret of the established driver is adopted: its owners stay, its values follow the volume", async () => {
  await createClass("adopted", { labels: { team: "blue" } });
  const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "older", uid: "older" };
  await put("Secret", "v1", "adopted", {
    type: "Opaque",
    stringData: { pw: "old", gone: "x" },
    metadata: { labels: { "secrets-store.csi.k8s.io/managed": "true" }, ownerReferences: [owner] },
  });
  const volume = await mounted("adopted-1-a", "adopted", await replicaSet("adopted-1"));
  expect((await sync(volume)).outcome).toBe("patched");
  const secret = await secretNamed("adopted");
  expect(secret?.["data"]).toEqual({ pw: Buffer.from("hunter2").toString("base64") });
  expect(secret?.metadata.labels).toEqual({ "secrets-store.csi.k8s.io/managed": "true", team: "blue" });
  expect(secret?.metadata["annotations"]).toMatchObject({
    "secrets-store.csi.k8s.io/secret-provider-class": "adopted",
  });
  expect(await ownersOf("adopted")).toEqual(["ReplicaSet older", "ReplicaSet adopted-1"]);
});

test("a Secret that somebody else made is left as it is", async () => {
  await createClass("theirs", {});
  const before = await put("Secret", "v1", "theirs", { stringData: { pw: "theirs" } });
  const volume = await mounted("theirs-1-a", "theirs", await replicaSet("theirs-1"));
  const { outcome, error } = await sync(volume);
  expect([outcome, error?.message]).toEqual(["refused", expect.stringContaining("not managed by this driver")]);
  expect(await secretNamed("theirs")).toEqual(before);
});

test("forty pods with an owner each come to one Secret at once, and all of them own it", async () => {
  await createClass("crowd", {});
  const owners = await Promise.all(Array.from({ length: 40 }, (_, index) => replicaSet(`crowd-${index}`)));
  const volumes = await Promise.all(owners.map((owner, index) => mounted(`crowd-${index}-a`, "crowd", owner)));
  const outcomes = (await Promise.all(volumes.map((volume) => sync(volume)))).map(({ outcome }) => outcome);
  expect(outcomes.toSorted()).toEqual(["created", ...Array.from({ length: 39 }, () => "marked")]);
  expect((await ownersOf("crowd")).toSorted()).toEqual(
    owners.map(({ metadata }) => `ReplicaSet ${metadata.name}`).toSorted(),
  );
});

test("a value that somebody altered is restored from older files, too, and values of later files are kept otherwise", async () => {
  await createClass("altered", {});
  const volume = await mounted("altered-1-a", "altered", await replicaSet("altered-1"));
  const later = { writtenAt: new Date(Date.now() + 3_600_000), fresh: false };
  const earlier = { writtenAt: new Date(), fresh: false };
  expect((await sync(volume, { password: "of the later replica" }, later)).outcome).toBe("created");
  expect((await sync(volume, { password: "of the earlier replica" }, earlier)).outcome).toBe("unchanged");
  const secret = await secretNamed("altered");
  if (secret === undefined) throw new Error("it is gone");
  await emulator.cluster.put({ ...secret, data: { pw: Buffer.from("by hand").toString("base64") } });
  expect((await sync(volume, { password: "of the earlier replica" }, earlier)).outcome).toBe("patched");
  expect((await secretNamed("altered"))?.["data"]).toEqual({
    pw: Buffer.from("of the earlier replica").toString("base64"),
  });
});

test("a right that is missing is told with the value that gives it, and nothing else is needed then", async () => {
  await createClass("rights", {});
  const volume = await mounted("rights-1-a", "rights", await replicaSet("rights-1"));
  emulator.kubernetes.rights.grantSecretSync(false);
  const { outcome, error } = await sync(volume);
  expect([outcome, error?.reason]).toEqual(["refused", "PermissionDenied"]);
  expect(error?.message).toContain("set secrets-store-csi-driver.syncSecret.enabled=true in the chart's values");
  emulator.kubernetes.rights.grantSecretSync(true);
  expect((await sync(volume)).outcome).toBe("created");
});

test("what the API server does not take is told as a fault of the class", async () => {
  await createClass("unfit", { labels: { team: "a b" } });
  const { outcome, error } = await sync(await mounted("unfit-1-a", "unfit", await replicaSet("unfit-1")));
  expect([outcome, error?.reason]).toEqual(["refused", "InvalidRequest"]);
  expect(error?.message).toContain("correct it in spec.secretObjects");
});

test(`a PFX becomes a TLS Secret that a server can use, its chain in order${cannotOpenssl}`, async ({ skip }) => {
  if (cannotOpenssl !== "") skip();
  const data = ["tls.crt", "tls.key"].map((key) => ({ objectName: "bundle.pfx", key }));
  await createClass("tls", { type: "kubernetes.io/tls", data });
  const workshop = createWorkshop();
  const root = workshop.issue("root", "RSA 2048");
  const leaf = workshop.issue("leaf", "P-256", root, "basicConstraints=CA:FALSE");
  const pfx = workshop.pack(leaf.key, [leaf.certificate, root.certificate], []);
  workshop.close();
  const volume = await mounted("tls-1-a", "tls", await replicaSet("tls-1"));
  expect((await sync(volume, { "bundle.pfx": pfx.toString("base64") })).outcome).toBe("created");
  const secret = await secretNamed("tls");
  expect(secret?.["type"]).toBe("kubernetes.io/tls");
  const values = secret?.["data"] as Record<"tls.crt" | "tls.key", string>;
  const [cert, key] = [values["tls.crt"], values["tls.key"]].map((value) => Buffer.from(value, "base64").toString());
  createSecureContext({ cert, key });
  expect(new X509Certificate(cert ?? "").subject).toBe("CN=leaf");
  expect(cert?.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  expect(key).toMatch(/^-----BEGIN EC PRIVATE KEY-----\n/);
  expect(createPrivateKey(key ?? "").equals(leaf.key)).toBe(true);
});
