import { expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import { createPods } from "../../../src/kube/pods.ts";
import { createFakeCluster } from "../../fakes/cluster.ts";
import { noSignal } from "../../fakes/volumes.ts";

const ref = { namespace: "shop", name: "web-0" };
const owner = { apiVersion: "apps/v1", kind: "StatefulSet", name: "web", uid: "s", controller: true };

function read(body: unknown, status = 200) {
  const cluster = createFakeCluster({ status, body });
  return { cluster, pod: createPods(cluster).read(ref, noSignal) };
}

test("a pod is read by its name for UID and owners", async () => {
  const { cluster, pod } = read({ metadata: { uid: "u", ownerReferences: [owner, { name: "no owner" }] } });
  expect(await pod).toEqual({ uid: "u", owners: [owner], ending: false });
  expect(cluster.requests).toEqual([{ method: "GET", path: "/api/v1/namespaces/shop/pods/web-0" }]);
  expect(cluster.counted).toEqual([{ verb: "get", resource: "pods", code: 200 }]);
});

test.each([
  [{ metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } }, true],
  [{ status: { phase: "Succeeded" } }, true],
  [{ status: { phase: "Failed" } }, true],
  [{ status: { phase: "Pending" } }, false],
  [{ status: { phase: "Running" } }, false],
])("of a pod with %j it is said whether it is ending: %s", async (body, ending) => {
  expect(await read(body).pod).toMatchObject({ ending });
});

test("a pod that is absent is undefined", async () => {
  expect(await read({}, 404).pod).toBeUndefined();
});

test("a pod that may not be read is told with the value that gives the right", async () => {
  await expect(read({}, 403).pod).rejects.toEqual(
    new DriverError(
      "PermissionDenied",
      `pods "web-0" is forbidden (HTTP 403): the driver's service account may not get it in namespace "shop"; ` +
        "set secrets-store-csi-driver.syncSecret.enabled=true in the chart's values",
    ),
  );
});
