import { describe, expect, test } from "vitest";
import type { ApiAnswer, ApiRequest } from "../../../src/kube/api.ts";
import { createObjects } from "../../../src/kube/objects.ts";
import type { KubernetesObject } from "../../../src/release-model.ts";
import type { Objects } from "../../../src/release-ports.ts";
import { noSignal } from "../../fakes/volumes.ts";

const daemonSet: KubernetesObject = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "plugin", namespace: "kube-system", uid: "u1" },
};
const csiDriver: KubernetesObject = { apiVersion: "storage.k8s.io/v1", kind: "CSIDriver", metadata: { name: "d" } };
const secret: KubernetesObject = { apiVersion: "v1", kind: "Secret", metadata: { name: "s", namespace: "n" } };
const path = "/apis/apps/v1/namespaces/kube-system/daemonsets/plugin";
const json = "application/json";

const kinds: Readonly<Record<string, readonly object[]>> = {
  "/apis/apps/v1": [
    { name: "daemonsets", kind: "DaemonSet" },
    { name: "daemonsets/status", kind: "DaemonSet" },
  ],
  "/apis/storage.k8s.io/v1": [{ name: "csidrivers", kind: "CSIDriver" }],
  "/api/v1": [{ name: "secrets", kind: "Secret" }],
};

/** A cluster that knows its kinds, and answers the rest with one answer. */
function objectsOf(answer: ApiAnswer) {
  const requests: ApiRequest[] = [];
  const counted: string[] = [];
  const call = (request: ApiRequest): Promise<ApiAnswer> => {
    const resources = kinds[request.path];
    if (resources) return Promise.resolve({ status: 200, body: { resources } });
    requests.push(request);
    return Promise.resolve(answer);
  };
  const metrics = {
    kubernetesRequest: ({ verb, resource }: { verb: string; resource: string }) => {
      counted.push(`${verb} ${resource}`);
    },
  };
  return { requests, counted, objects: createObjects({ api: { call }, metrics }) };
}

const ok = { status: 200, body: daemonSet };

describe("an object", () => {
  test.each<[what: string, call: (objects: Objects) => Promise<unknown>, request: ApiRequest, right: string]>([
    ["is read", (it) => it.read(daemonSet, noSignal), { method: "GET", path }, "get"],
    [
      "is rehearsed",
      (it) => it.rehearse(daemonSet, noSignal),
      { method: "PUT", path: `${path}?dryRun=All&fieldManager=helm`, body: { contentType: json, content: daemonSet } },
      "update",
    ],
    [
      "is replaced",
      (it) => it.replace(daemonSet, noSignal),
      { method: "PUT", path: `${path}?fieldManager=helm`, body: { contentType: json, content: daemonSet } },
      "update",
    ],
    [
      "is applied, under Helm's name",
      (it) => it.apply(daemonSet, noSignal),
      {
        method: "PATCH",
        path: `${path}?fieldManager=helm&force=true`,
        body: { contentType: "application/apply-patch+yaml", content: daemonSet },
      },
      "patch",
    ],
    [
      "is merged",
      (it) => it.merge(daemonSet, { spec: {} }, noSignal),
      {
        method: "PATCH",
        path: `${path}?fieldManager=helm`,
        body: { contentType: "application/merge-patch+json", content: { spec: {} } },
      },
      "patch",
    ],
    [
      "is deleted, and no other of its name",
      (it) => it.delete(daemonSet, noSignal),
      {
        method: "DELETE",
        path,
        body: {
          contentType: json,
          content: {
            apiVersion: "v1",
            kind: "DeleteOptions",
            propagationPolicy: "Background",
            preconditions: { uid: "u1" },
          },
        },
      },
      "delete",
    ],
  ])("%s", async (_, call, request, right) => {
    const { requests, counted, objects } = objectsOf(ok);
    await call(objects);
    expect(requests).toEqual([request]);
    expect(counted.at(-1)).toBe(`${right} daemonsets.apps`);
  });

  test.each([
    [daemonSet, path],
    [csiDriver, "/apis/storage.k8s.io/v1/csidrivers/d"],
    [secret, "/api/v1/namespaces/n/secrets/s"],
  ])("is found by its kind: %j", async (object, expected) => {
    const { requests, counted, objects } = objectsOf(ok);
    await objects.read(object, noSignal);
    await objects.read(object, noSignal);
    expect(requests.map((request) => request.path)).toEqual([expected, expected]);
    expect(counted.filter((right) => right.endsWith("apiversions"))).toHaveLength(1);
  });

  test("that is not there is told, by a read and by a delete", async () => {
    const { objects } = objectsOf({ status: 404, body: {} });
    expect(await objects.read(daemonSet, noSignal)).toBeUndefined();
    await expect(objects.delete(daemonSet, noSignal)).resolves.toBeUndefined();
  });

  test("of a kind that the cluster does not serve is refused, with what to do", async () => {
    const monitor = { apiVersion: "apps/v1", kind: "PodMonitor", metadata: { name: "m" } };
    await expect(objectsOf(ok).objects.read(monitor, noSignal)).rejects.toThrow(
      "the cluster does not serve PodMonitor of apps/v1: install its CRD",
    );
  });

  test.each([409, 404])("that was changed or deleted meanwhile is Busy: HTTP %s", async (status) => {
    const { objects } = objectsOf({ status, body: {} });
    for (const write of [objects.replace, objects.rehearse, objects.apply])
      await expect(write(daemonSet, noSignal)).rejects.toMatchObject({ reason: "Busy" });
  });

  test("that may not be written is told with the place of the rights, and nothing that the API server says", async () => {
    const { objects } = objectsOf({ status: 403, body: { message: "inside" } });
    const error = await objects.apply(daemonSet, noSignal).catch((failure: unknown) => failure);
    expect(error).toMatchObject({
      reason: "PermissionDenied",
      message: expect.stringContaining("templates/reconciler.yaml") as string,
    });
    expect(String(error)).not.toContain("inside");
  });
});

describe("a rehearsal that is refused", () => {
  test.each([
    ["a selector", ["spec.selector: Invalid value: {}: field is immutable"]],
    ["another role", ["Invalid value: {}: cannot change roleRef"]],
    ["two such fields", ["field is immutable", "field is immutable when `immutable` is set"]],
  ])("for %s says that the field is immutable", async (_, messages) => {
    expect(await objectsOf(refusal(messages)).objects.rehearse(daemonSet, noSignal)).toBe("immutable");
  });

  test.each([
    ["an invalid value", ["Invalid value: -1: must be at least 0"]],
    ["an invalid value beside an immutable one", ["field is immutable", "must be at least 0"]],
    ["no reason", []],
  ])("for %s is a failure: the object could not be made anew", async (_, messages) => {
    await expect(objectsOf(refusal(messages)).objects.rehearse(daemonSet, noSignal)).rejects.toMatchObject({
      reason: "InvalidRequest",
    });
  });

  function refusal(messages: readonly string[]): ApiAnswer {
    return { status: 422, body: { details: { causes: messages.map((message) => ({ message })) } } };
  }
});
