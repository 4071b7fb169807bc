import { describe, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import type { ApiAnswer } from "../../../src/kube/api.ts";
import { createClasses } from "../../../src/kube/classes.ts";
import type { SecretProviderClass } from "../../../src/model.ts";
import { createFakeCluster } from "../../fakes/cluster.ts";
import { anyAge, noSignal } from "../../fakes/volumes.ts";

const ref = { namespace: "shop", name: "vault" };
const beginning = "failed to get secretproviderclass shop/vault, error: ";
const resource = "secretproviderclasses.secrets-store.csi.x-k8s.io";

function read(answer: ApiAnswer | Error, signal = noSignal): Promise<SecretProviderClass> {
  return createClasses(createFakeCluster(answer), () => new Date()).read(ref, anyAge, signal);
}

describe("a SecretProviderClass", () => {
  test("is read by its name, in its namespace", async () => {
    const cluster = createFakeCluster({ status: 200, body: {} });
    await createClasses(cluster, () => new Date()).read({ namespace: "a b", name: "c/d" }, anyAge, noSignal);
    expect(cluster.requests).toEqual([
      {
        method: "GET",
        path: "/apis/secrets-store.csi.x-k8s.io/v1/namespaces/a%20b/secretproviderclasses/c%2Fd",
      },
    ]);
  });

  test("has provider and parameters", async () => {
    const spec = { provider: "azure", parameters: { keyvaultName: "kv" }, secretObjects: [] };
    expect(await read({ status: 200, body: { spec } })).toEqual({
      ref,
      provider: "azure",
      parameters: { keyvaultName: "kv" },
      secretObjects: [],
    });
  });

  test("has secretObjects, without white space around names", async () => {
    const data = [{ objectName: " a ", key: "b\n" }, {}];
    const secretObjects = [
      { secretName: " s", type: "Opaque ", labels: { l: " 1" }, annotations: { a: "2" }, data },
      {},
    ];
    expect((await read({ status: 200, body: { spec: { secretObjects } } })).secretObjects).toEqual([
      {
        secretName: "s",
        type: "Opaque",
        labels: { l: " 1" },
        annotations: { a: "2" },
        data: [
          { objectName: "a", key: "b" },
          { objectName: "", key: "" },
        ],
      },
      { secretName: "", type: "", labels: {}, annotations: {}, data: [] },
    ]);
  });

  test.each([[{}], [{ spec: {} }], [null]])("with body %j names nothing", async (body) => {
    expect(await read({ status: 200, body })).toEqual({
      ref,
      provider: "",
      parameters: {},
      secretObjects: [],
    });
  });

  const inList = (item: unknown) => ({ secretObjects: [{}, item] });
  test.each([
    [{ provider: 1 }, "spec.provider"],
    [{ parameters: "a" }, "spec.parameters"],
    [{ parameters: null }, "spec.parameters"],
    [{ parameters: { a: 1 } }, "spec.parameters"],
    [{ secretObjects: {} }, "spec.secretObjects"],
    [inList("a"), "spec.secretObjects[1]"],
    [inList({ secretName: 1 }), "spec.secretObjects[1].secretName"],
    [inList({ type: null }), "spec.secretObjects[1].type"],
    [inList({ labels: [] }), "spec.secretObjects[1].labels"],
    [inList({ annotations: { a: 1 } }), "spec.secretObjects[1].annotations"],
    [inList({ data: {} }), "spec.secretObjects[1].data"],
    [inList({ data: [1] }), "spec.secretObjects[1].data[0]"],
    [inList({ data: [{}, { objectName: 1 }] }), "spec.secretObjects[1].data[1].objectName"],
    [inList({ data: [{}, { key: {} }] }), "spec.secretObjects[1].data[1].key"],
  ])("with spec %j is not of the CRD's form", async (spec, field) => {
    const told = `${field} is not of the form that the CRD describes: correct it, and install the chart's CRDs`;
    await expect(read({ status: 200, body: { spec } })).rejects.toEqual(
      new DriverError("InvalidRequest", `${beginning}${told}`),
    );
  });
});

describe("a read fails", () => {
  const forbidden =
    `${resource} "vault" is forbidden (HTTP 403): the driver's service account may not get it in namespace ` +
    `"shop"; install the chart's RBAC`;
  const answered = (status: number): string => `the Kubernetes API answered HTTP ${status} to get ${resource} "vault"`;

  test.each([
    [
      404,
      "SecretProviderClassNotFound",
      `${resource} "vault" not found: create it in namespace "shop", or correct secretProviderClass in the pod's volumeAttributes (or install the chart's CRDs)`,
    ],
    [
      401,
      "KubernetesUnavailable",
      `${answered(401)}: it does not know the driver's token; if that lasts, restart the driver's pod`,
    ],
    [403, "PermissionDenied", forbidden],
    [400, "InvalidRequest", answered(400)],
    [422, "InvalidRequest", answered(422)],
    [429, "KubernetesUnavailable", answered(429)],
    [500, "KubernetesUnavailable", answered(500)],
    [503, "KubernetesUnavailable", answered(503)],
  ] as const)("by HTTP %i as %s, and nothing of the body leaves", async (status, reason, message) => {
    await expect(read({ status, body: { message: "hunter2" } })).rejects.toEqual(
      new DriverError(reason, `${beginning}${message}`),
    );
  });

  test.each([
    [Object.assign(new Error("connect ECONNREFUSED 10.0.0.1:443"), { code: "ECONNREFUSED" }), "ECONNREFUSED"],
    [new Error("m", { cause: new DOMException("m", "TimeoutError") }), "no answer in 10 s"],
    [new TypeError("m"), "TypeError"],
  ])("by an API that cannot be reached", async (cause, told) => {
    const failure = await read(cause).catch((error: unknown) => error);
    expect(failure).toEqual(
      new DriverError("KubernetesUnavailable", `${beginning}the Kubernetes API cannot be reached (${told})`, { cause }),
    );
  });

  test("by the caller's deadline", async () => {
    await expect(read({ status: 200, body: {} }, AbortSignal.abort())).rejects.toEqual(
      new DriverError("DeadlineExceeded", `${beginning}the caller's deadline ended`),
    );
  });
});

test("a class that many ask for at the same time is read once", async () => {
  const cluster = createFakeCluster({ status: 200, body: { spec: { provider: "azure" } } });
  const classes = createClasses(cluster, () => new Date());
  const fresh = { notOlderThan: new Date(Date.now() - 2_000), priority: "mount" } as const;
  const answers = await Promise.all(Array.from({ length: 100 }, () => classes.read(ref, fresh, noSignal)));
  expect(new Set(answers).size).toBe(1);
  expect(cluster.requests).toHaveLength(1);
});
