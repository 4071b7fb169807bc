import { describe, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import { createSecrets } from "../../../src/kube/secrets.ts";
import type { DesiredSecret, LiveSecret, SecretChanges } from "../../../src/model.ts";
import { createFakeCluster } from "../../fakes/cluster.ts";
import { noSignal } from "../../fakes/volumes.ts";

const ref = { namespace: "shop", name: "db" };
const path = "/api/v1/namespaces/shop/secrets/db";
const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-1", uid: "rs" };
const theirs = { ...owner, uid: "theirs", controller: true, blockOwnerDeletion: true };
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const remedy =
  "set secrets-store-csi-driver.syncSecret.enabled=true in the chart's values, or see what quotas and policies the namespace has";

const desired: DesiredSecret = {
  ref,
  type: "Opaque",
  labels: { managed: "true" },
  annotations: { note: "1" },
  data: { password: Buffer.from("hunter2") },
  owners: [owner],
};
const seen: LiveSecret = { ...desired, uid: "u", resourceVersion: "7", immutable: false, altered: false };
const changes: SecretChanges = {
  labels: { a: "b", gone: null },
  annotations: {},
  data: { password: Buffer.from([0xff, 0x00]), old: null },
  owners: [owner],
};

test("a Secret is read, its values decoded", async () => {
  const cluster = createFakeCluster({
    status: 200,
    body: {
      metadata: { uid: "u", resourceVersion: "7", labels: { a: "b" }, ownerReferences: [owner] },
      type: "Opaque",
      immutable: true,
      data: { password: base64("hunter2") },
    },
  });
  expect(await createSecrets(cluster).read(ref, noSignal)).toEqual({
    ref,
    uid: "u",
    resourceVersion: "7",
    type: "Opaque",
    labels: { a: "b" },
    annotations: {},
    owners: [owner],
    data: { password: Buffer.from("hunter2") },
    immutable: true,
    altered: false,
  });
  expect(cluster.requests).toEqual([{ method: "GET", path }]);
});

test("a Secret that is absent is undefined, one without anything is empty", async () => {
  expect(await createSecrets(createFakeCluster({ status: 404, body: {} })).read(ref, noSignal)).toBeUndefined();
  const bare = await createSecrets(createFakeCluster({ status: 200, body: {} })).read(ref, noSignal);
  expect(bare).toMatchObject({ type: "", data: {}, labels: {}, owners: [], immutable: false });
});

test("a Secret is created in one request, with its owners", async () => {
  const cluster = createFakeCluster({ status: 201, body: {} });
  expect(await createSecrets(cluster).create({ ...desired, data: { a: Buffer.from("1") } }, noSignal)).toBe("created");
  const content = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { ...ref, labels: { managed: "true" }, annotations: { note: "1" }, ownerReferences: [owner] },
    type: "Opaque",
    data: { a: base64("1") },
  };
  expect(cluster.requests).toEqual([
    {
      method: "POST",
      path: "/api/v1/namespaces/shop/secrets?fieldManager=azure-keyvault-csi",
      body: { contentType: "application/json", content },
    },
  ]);
  expect(cluster.counted).toEqual([{ verb: "create", resource: "secrets", code: 201 }]);
});

test("a patch names what changes, on condition that the Secret is the one that was seen", async () => {
  const cluster = createFakeCluster({ status: 200, body: {} });
  expect(await createSecrets(cluster).patch({ ...seen, owners: [theirs] }, changes, noSignal)).toBe("patched");
  const content = {
    metadata: {
      resourceVersion: "7",
      labels: { a: "b", gone: null },
      annotations: {},
      ownerReferences: [theirs, owner],
    },
    data: { password: "/wA=", old: null },
  };
  expect(cluster.requests).toEqual([
    {
      method: "PATCH",
      path: `${path}?fieldManager=azure-keyvault-csi`,
      body: { contentType: "application/merge-patch+json", content },
    },
  ]);
});

test("a patch without new owners says nothing of them", async () => {
  const cluster = createFakeCluster({ status: 200, body: {} });
  await createSecrets(cluster).patch(seen, { ...changes, owners: [] }, noSignal);
  expect(JSON.stringify(cluster.requests)).not.toContain("ownerReferences");
});

test("what others did meanwhile is told as such", async () => {
  expect(await createSecrets(createFakeCluster({ status: 409, body: {} })).create(desired, noSignal)).toBe("exists");
  for (const status of [404, 409]) {
    const secrets = createSecrets(createFakeCluster({ status, body: {} }));
    expect(await secrets.patch(seen, changes, noSignal)).toBe("conflict");
  }
});

describe("a failure says what to do, and nothing of the body", () => {
  const body = { message: "hunter2" };
  const unfit =
    'the Kubernetes API refuses secrets "db" (HTTP 422): its keys and values do not fit its type, or a label or annotation is none that Kubernetes takes; correct it in spec.secretObjects';

  test.each([
    ["read", 403, "PermissionDenied", forbidden("get", "")],
    ["create", 403, "PermissionDenied", forbidden("create", "")],
    [
      "patch",
      403,
      "PermissionDenied",
      forbidden("patch", ", or may not change its owner, which takes the right to delete"),
    ],
    ["create", 422, "InvalidRequest", unfit],
    ["patch", 422, "InvalidRequest", unfit],
    ["create", 404, "InvalidRequest", 'the Kubernetes API answered HTTP 404 to create secrets "db"'],
    ["create", 500, "KubernetesUnavailable", 'the Kubernetes API answered HTTP 500 to create secrets "db"'],
    ["patch", 503, "KubernetesUnavailable", 'the Kubernetes API answered HTTP 503 to patch secrets "db"'],
  ] as const)("%s answered %i", async (what, status, reason, message) => {
    const secrets = createSecrets(createFakeCluster({ status, body }));
    const calls = {
      read: () => secrets.read(ref, noSignal),
      create: () => secrets.create(desired, noSignal),
      patch: () => secrets.patch(seen, changes, noSignal),
    };
    await expect(calls[what]()).rejects.toEqual(new DriverError(reason, message));
  });
});

function forbidden(verb: string, more: string): string {
  return `secrets "db" is forbidden (HTTP 403): the driver's service account may not ${verb} it in namespace "shop"${more}; ${remedy}`;
}
