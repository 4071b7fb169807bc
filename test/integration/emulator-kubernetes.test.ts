import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startEmulator, type Emulator } from "../../src/emulator/emulator.ts";
import type { KubernetesObject, ObjectMeta } from "../../src/emulator/kubernetes/objects.ts";

const group = "secrets-store.csi.x-k8s.io/v1";
const classes = `apis/${group}/namespaces/default/secretproviderclasses`;
const statuses = `apis/${group}/namespaces/default/secretproviderclasspodstatuses`;
const applyPatch = { "content-type": "application/apply-patch+yaml" };

type NewMeta = Partial<ObjectMeta> & Pick<ObjectMeta, "name">;

let dir: string;
let emulator: Emulator;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "akv-emulator-"));
  emulator = await startEmulator({ dir, ports: { entra: 0, vault: 0, kubernetes: 0 } });
  tls.setDefaultCACertificates([...tls.getCACertificates(), await readFile(join(dir, "ca.pem"), "utf8")]);
  await emulator.cluster.put(object("SecretProviderClass", { name: "class" }));
});

afterAll(async () => {
  await emulator.stop();
  await rm(dir, { recursive: true, force: true });
});

function object(kind: string, metadata: NewMeta, more: object = {}): KubernetesObject {
  return { apiVersion: group, kind, metadata: { namespace: "default", ...metadata }, ...more };
}

const podStatus = (metadata: NewMeta, more?: object): KubernetesObject =>
  object("SecretProviderClassPodStatus", metadata, more);

async function ask(
  path: string,
  init: RequestInit & { token?: string } = {},
): Promise<{ status: number; body: KubernetesObject }> {
  const { token = emulator.settings.pluginToken, headers, ...rest } = init;
  const response = await fetch(`${emulator.settings.kubernetesUrl}/${path}`, {
    ...rest,
    headers: { authorization: `Bearer ${token}`, ...(headers as Record<string, string> | undefined) },
  });
  return { status: response.status, body: (await response.json()) as KubernetesObject };
}

function apply(wanted: KubernetesObject, query = "?fieldManager=test&force=true"): ReturnType<typeof ask> {
  const path = `${statuses}/${wanted.metadata.name}${query}`;
  return ask(path, { method: "PATCH", headers: applyPatch, body: JSON.stringify(wanted) });
}

describe("the plugin's token", () => {
  test("gets a SecretProviderClass", async () => {
    expect(await ask(`${classes}/class`)).toMatchObject({ status: 200, body: { metadata: { name: "class" } } });
  });

  test("gets a pod status that it has applied", async () => {
    await apply(podStatus({ name: "got" }));
    expect(await ask(`${statuses}/got`)).toMatchObject({ status: 200, body: { metadata: { name: "got" } } });
  });

  test.each([
    { verb: "get", method: "GET", path: "api/v1/namespaces/default/secrets/any", resource: "secrets" },
    { verb: "get", method: "GET", path: "api/v1/namespaces/default/pods/any", resource: "pods" },
    { verb: "list", method: "GET", path: "api/v1/namespaces/default/events", resource: "events" },
    {
      verb: "update",
      method: "PUT",
      path: `${classes}/class`,
      resource: "secretproviderclasses.secrets-store.csi.x-k8s.io",
    },
    {
      verb: "delete",
      method: "DELETE",
      path: `${statuses}/any`,
      resource: "secretproviderclasspodstatuses.secrets-store.csi.x-k8s.io",
    },
  ])("may not $verb $resource", async ({ verb, method, path, resource }) => {
    const { status, body } = await ask(path, { method });
    expect(status).toBe(403);
    expect(body).toMatchObject({ kind: "Status", status: "Failure", reason: "Forbidden", code: 403 });
    expect(body["message"]).toContain(`cannot ${verb} resource "${resource}" in the namespace "default"`);
  });

  test("is told 404 of what does not exist", async () => {
    expect(await ask(`${classes}/absent`)).toMatchObject({ status: 404, body: { reason: "NotFound", code: 404 } });
  });

  test("is answered as the emulator is told to fail, the administrator is not", async () => {
    emulator.kubernetes.failPlugin(503);
    const failed = await ask(`${classes}/class`);
    const served = await ask(`${classes}/class`, { token: emulator.settings.adminToken });
    emulator.kubernetes.failPlugin(0);
    expect([failed.status, served.status]).toEqual([503, 200]);
  });
});

test.each(["unknown", ""])("a token that is %j is refused with 401", async (token) => {
  expect(await ask(`${classes}/class`, { token })).toMatchObject({
    status: 401,
    body: { kind: "Status", reason: "Unauthorized" },
  });
});

test("a verb that the emulator does not serve is refused with 405", async () => {
  const posted = await ask(`${statuses}/posted`, { method: "POST", token: emulator.settings.adminToken });
  expect(posted).toMatchObject({ status: 405, body: { reason: "MethodNotAllowed" } });
});

describe("server-side apply", () => {
  test("creates what is not there, with UID, creation time and resource version", async () => {
    const { status, body } = await apply(podStatus({ name: "created" }, { status: { mounted: true } }));
    expect(status).toBe(201);
    expect(body).toMatchObject({
      status: { mounted: true },
      metadata: {
        uid: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
        creationTimestamp: expect.stringMatching(/Z$/) as string,
        resourceVersion: expect.stringMatching(/^\d+$/) as string,
      },
    });
  });

  test("needs a field manager", async () => {
    const { status, body } = await apply(podStatus({ name: "unmanaged" }), "");
    expect(status).toBe(400);
    expect(body["message"]).toContain("fieldManager: Required value");
  });

  test.each(["application/json", "application/strategic-merge-patch+json"])("is not what %s is", async (type) => {
    const headers = { "content-type": type };
    expect(await ask(`${statuses}/any`, { method: "PATCH", headers, body: "{}" })).toMatchObject({ status: 415 });
  });

  test("replaces fields and keeps the UID", async () => {
    const first = await apply(podStatus({ name: "replaced" }, { status: { objects: ["a", "b"] } }));
    const second = await apply(podStatus({ name: "replaced" }, { status: { objects: ["c"] } }));
    expect(second).toMatchObject({ status: 200, body: { status: { objects: ["c"] } } });
    expect(second.body.metadata.uid).toBe(first.body.metadata.uid);
    expect(second.body.metadata.resourceVersion).not.toBe(first.body.metadata.resourceVersion);
  });

  test("merges labels by key", async () => {
    await apply(podStatus({ name: "labelled", labels: { kept: "1", changed: "1" } }));
    const { body } = await apply(podStatus({ name: "labelled", labels: { changed: "2", added: "2" } }));
    expect(body.metadata.labels).toEqual({ kept: "1", changed: "2", added: "2" });
  });

  test("merges owner references by UID", async () => {
    const owner = (uid: string, name: string) => ({ apiVersion: "v1", kind: "Pod", name, uid });
    await apply(podStatus({ name: "owned", ownerReferences: [owner("1", "one"), owner("2", "two")] }));
    const { body } = await apply(
      podStatus({ name: "owned", ownerReferences: [owner("2", "new"), owner("3", "three")] }),
    );
    expect(body.metadata.ownerReferences).toEqual([owner("1", "one"), owner("2", "new"), owner("3", "three")]);
  });

  test.each([{ labels: { app: "web" } }, {}])("of equal content with metadata %j changes nothing", async (metadata) => {
    const name = `equal-${Object.keys(metadata).length}`;
    const first = await apply(podStatus({ name, ...metadata }, { status: { a: 1, b: 2 } }));
    const second = await apply(podStatus({ name, ...metadata }, { status: { b: 2, a: 1 } }));
    expect([second.status, second.body]).toEqual([200, first.body]);
  });

  test.each(["Upper", "under_score", "-dash", "a".repeat(254)])("refuses the name %s with 422", async (name) => {
    expect(await apply(podStatus({ name }))).toMatchObject({ status: 422, body: { reason: "Invalid" } });
  });

  test("refuses a label value of more than 63 characters with 422", async () => {
    const labels = { node: "n".repeat(64) };
    expect(await apply(podStatus({ name: "labels", labels }))).toMatchObject({ status: 422 });
  });

  test("refuses a name that is not that of the URL", async () => {
    const body = JSON.stringify(podStatus({ name: "other" }));
    const { status } = await ask(`${statuses}/one?fieldManager=test`, { method: "PATCH", headers: applyPatch, body });
    expect(status).toBe(400);
  });
});

describe("the administrator", () => {
  test("applies the documents of a YAML text, in the namespace default unless they name one", async () => {
    const yaml = [
      "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {}\n",
      "apiVersion: v1\nkind: Secret\nmetadata: {name: web, namespace: other}\nstringData: {password: hidden}\n",
      "",
    ].join("---\n");
    expect(await emulator.cluster.apply(yaml)).toEqual(["pod/web", "secret/web"]);
    expect(await emulator.cluster.get({ plural: "pods", namespace: "default", name: "web" })).toBeDefined();
    const secret = await emulator.cluster.get({ plural: "secrets", namespace: "other", name: "web" });
    expect(secret?.["data"]).toEqual({ password: Buffer.from("hidden").toString("base64") });
  });

  test("lists a kind in one namespace", async () => {
    const pod = (name: string, namespace: string): string =>
      `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, namespace: ${namespace}}\n`;
    await emulator.cluster.apply([pod("one", "listed"), pod("two", "listed"), pod("three", "elsewhere")].join("---\n"));
    const listed = await emulator.cluster.list({ plural: "pods", namespace: "listed" });
    expect(listed.map(({ metadata }) => metadata.name)).toEqual(["one", "two"]);
  });

  test("deletes an object", async () => {
    const key = { plural: "pods", namespace: "default", name: "gone" };
    await emulator.cluster.apply("apiVersion: v1\nkind: Pod\nmetadata: {name: gone}\n");
    await emulator.cluster.delete(key);
    expect(await emulator.cluster.get(key)).toBeUndefined();
  });
});
