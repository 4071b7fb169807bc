import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startEmulator, type Emulator } from "../../src/emulator/emulator.ts";
import type { KubernetesObject, OwnerReference } from "../../src/emulator/kubernetes/objects.ts";

const collection = "api/v1/namespaces/default/secrets";
const merge = "application/merge-patch+json";
const strategic = "application/strategic-merge-patch+json";
const base64 = (text: string): string => Buffer.from(text).toString("base64");

let dir: string;
let emulator: Emulator;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "akv-emulator-"));
  emulator = await startEmulator({ dir, ports: { entra: 0, vault: 0, kubernetes: 0 } });
  tls.setDefaultCACertificates([...tls.getCACertificates(), await readFile(join(dir, "ca.pem"), "utf8")]);
});

afterAll(async () => {
  await emulator.stop();
  await rm(dir, { recursive: true, force: true });
});

beforeEach(() => {
  emulator.kubernetes.rights.grantSecretSync(true);
});

interface Answer {
  readonly status: number;
  readonly body: KubernetesObject;
}

async function ask(method: string, path: string, content?: object, type = "application/json"): Promise<Answer> {
  const response = await fetch(`${emulator.settings.kubernetesUrl}/${path}`, {
    method,
    headers: { authorization: `Bearer ${emulator.settings.pluginToken}`, "content-type": type },
    ...(content && { body: JSON.stringify(content) }),
  });
  return { status: response.status, body: (await response.json()) as KubernetesObject };
}

function secret(name: string, more: Readonly<Record<string, unknown>> = {}, metadata: object = {}): object {
  return { apiVersion: "v1", kind: "Secret", metadata: { namespace: "default", name, ...metadata }, ...more };
}

async function created(name: string, more?: Readonly<Record<string, unknown>>, metadata?: object): Promise<Answer> {
  return ask("POST", collection, secret(name, more, metadata));
}

const owner = (uid: string, name = uid): OwnerReference => ({ apiVersion: "apps/v1", kind: "ReplicaSet", name, uid });

describe("a Secret", () => {
  test("is created once", async () => {
    expect(await created("once")).toMatchObject({ status: 201, body: { type: "Opaque" } });
    expect(await created("once")).toMatchObject({ status: 409, body: { reason: "AlreadyExists" } });
  });

  test("has the texts of stringData among its data, and not as text", async () => {
    const { body } = await created("texts", { data: { a: base64("1"), b: base64("2") }, stringData: { b: "3" } });
    expect(body["data"]).toEqual({ a: base64("1"), b: base64("3") });
    expect(body).not.toHaveProperty("stringData");
  });

  test.each([
    ["kubernetes.io/tls", { "tls.crt": "" }, "data[tls.key]: Required value"],
    ["kubernetes.io/dockerconfigjson", { a: "" }, "data[.dockerconfigjson]: Required value"],
    ["kubernetes.io/dockercfg", {}, "data[.dockercfg]: Required value"],
    ["kubernetes.io/basic-auth", { a: "" }, "data[username]: Required value"],
    ["kubernetes.io/ssh-auth", {}, "data[ssh-privatekey]: Required value"],
    ["Opaque", { "a/b": "" }, "data[a/b]: Invalid value"],
    ["Opaque", { a: Buffer.alloc(1024 * 1024 + 1).toString("base64") }, "data: Too long"],
  ])("of type %s is refused with 422 where its data do not fit: %#", async (type, data, problem) => {
    const { status, body } = await created("unfit", { type, data });
    expect([status, body["reason"]]).toEqual([422, "Invalid"]);
    expect(body["message"]).toContain(problem);
  });

  test("whose data are not base64 cannot be read", async () => {
    expect(await created("plain", { data: { a: "hunter2!" } })).toMatchObject({ status: 400 });
  });

  test("never changes its type", async () => {
    await created("typed", { type: "Opaque" });
    const patched = await ask("PATCH", `${collection}/typed`, { type: "kubernetes.io/ssh-auth" }, merge);
    expect(patched.status).toBe(422);
    expect(patched.body["message"]).toContain("type: Invalid value");
  });

  test.each([
    ["data", { data: { a: base64("2") } }, 422],
    ["the freezing itself", { immutable: null }, 422],
    ["labels", { metadata: { labels: { a: "b" } } }, 200],
  ])("that is immutable changes %s or not", async (_what, patch, status) => {
    await created("frozen", { immutable: true, data: { a: base64("1") } });
    expect((await ask("PATCH", `${collection}/frozen`, patch, merge)).status).toBe(status);
  });
});

describe("a patch", () => {
  test("of data sets, keeps, and takes away", async () => {
    await created("patched", { data: { a: base64("1"), b: base64("2"), c: base64("3") } });
    const patch = { data: { a: null, b: base64("x") } };
    const { body } = await ask("PATCH", `${collection}/patched`, patch, strategic);
    expect(body["data"]).toEqual({ b: base64("x"), c: base64("3") });
  });

  test.each([
    [strategic, [owner("1", "kept"), owner("2", "new"), owner("3")]],
    [merge, [owner("2", "new"), owner("3")]],
  ])("of type %s merges owners by UID, or replaces them", async (type, owners) => {
    const name = `owned-${owners.length}`;
    await created(name, {}, { ownerReferences: [owner("1", "kept"), owner("2", "old")] });
    const patch = { metadata: { ownerReferences: [owner("2", "new"), owner("3")] } };
    const { body } = await ask("PATCH", `${collection}/${name}`, patch, type);
    expect(body.metadata.ownerReferences).toEqual(owners);
  });

  test.each([
    ["a conflict for another resource version", { resourceVersion: "1" }, 409, "Conflict"],
    ["invalid for another UID", { uid: "another" }, 422, "Invalid"],
  ])("is %s", async (_what, metadata, code, reason) => {
    await created("seen");
    const { status, body } = await ask("PATCH", `${collection}/seen`, { metadata }, strategic);
    expect([status, body["reason"]]).toEqual([code, reason]);
  });

  test("of equal content is no new version", async () => {
    const { body: before } = await created("equal", { data: { a: base64("1") } });
    const { status, body } = await ask("PATCH", `${collection}/equal`, { data: { a: base64("1") } }, strategic);
    expect([status, body]).toEqual([200, before]);
  });

  test("of what is not there is told 404", async () => {
    expect(await ask("PATCH", `${collection}/absent`, {}, strategic)).toMatchObject({ status: 404 });
  });
});

test("without the rights of Secret sync nothing of Secrets and pods is allowed", async () => {
  emulator.kubernetes.rights.grantSecretSync(false);
  const asked = [ask("GET", `${collection}/a`), ask("PATCH", `${collection}/a`, {}, merge), created("forbidden")];
  const pod = ask("GET", "api/v1/namespaces/default/pods/a");
  expect((await Promise.all([...asked, pod])).map(({ status }) => status)).toEqual([403, 403, 403, 403]);
});

test("deleting an owner takes its reference away, and what has no owner left", async () => {
  const replicaSet = { apiVersion: "apps/v1", kind: "ReplicaSet", metadata: { namespace: "default", name: "rs" } };
  await emulator.cluster.put(replicaSet);
  const key = { plural: "replicasets", namespace: "default", name: "rs" };
  const uid = (await emulator.cluster.get(key))?.metadata.uid ?? "";
  await created("alone", {}, { ownerReferences: [owner(uid)] });
  await created("shared", {}, { ownerReferences: [owner(uid), owner("other")] });
  await emulator.cluster.delete(key);
  expect(await ask("GET", `${collection}/alone`)).toMatchObject({ status: 404 });
  expect((await ask("GET", `${collection}/shared`)).body.metadata.ownerReferences).toEqual([owner("other")]);
});
