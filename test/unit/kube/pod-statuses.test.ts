import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import { createPodStatuses } from "../../../src/kube/pod-statuses.ts";
import { podStatusOf } from "../../../src/volume/pod-status.ts";
import { createFakeCluster } from "../../fakes/cluster.ts";
import { aPodUid, aTarget } from "../../fakes/messages.ts";
import { aVolume, noSignal } from "../../fakes/volumes.ts";

const ref = { namespace: "shop", name: "web-0-shop-vault" };
const path = "/apis/secrets-store.csi.x-k8s.io/v1/namespaces/shop/secretproviderclasspodstatuses/web-0-shop-vault";
const resource = "secretproviderclasspodstatuses.secrets-store.csi.x-k8s.io";
const ownerOf = (uid: unknown) => ({ apiVersion: "v1", kind: "Pod", name: "web-0", uid });
const status = podStatusOf(aVolume, [{ id: "secret/a", version: "1" }], "node-1");

test("a status is applied in one request, as the established driver writes it", async () => {
  const cluster = createFakeCluster({ status: 201, body: {} });
  await createPodStatuses(cluster).apply(status, noSignal);
  const content = {
    apiVersion: "secrets-store.csi.x-k8s.io/v1",
    kind: "SecretProviderClassPodStatus",
    metadata: {
      ...ref,
      labels: { "internal.secrets-store.csi.k8s.io/node-name": "node-1" },
      ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "web-0", uid: aPodUid }],
    },
    status: {
      podName: "web-0",
      secretProviderClassName: "vault",
      mounted: true,
      targetPath: aTarget,
      objects: [{ id: "secret/a", version: "1" }],
    },
  };
  expect(cluster.requests).toEqual([
    {
      method: "PATCH",
      path: `${path}?fieldManager=azure-keyvault-csi&force=true`,
      body: { contentType: "application/apply-patch+yaml", content },
    },
  ]);
});

test("a status that cannot be written since namespace or CRD is absent is tried again", async () => {
  const statuses = createPodStatuses(createFakeCluster({ status: 404, body: {} }));
  await expect(statuses.apply(status, noSignal)).rejects.toEqual(
    new DriverError(
      "KubernetesUnavailable",
      `${resource} "web-0-shop-vault" cannot be written: namespace "shop" or the CRD is not there; install the chart's CRDs`,
    ),
  );
});

test("a status that may not be written is told with the right that is missing", async () => {
  const statuses = createPodStatuses(createFakeCluster({ status: 403, body: {} }));
  await expect(statuses.apply(status, noSignal)).rejects.toEqual(
    new DriverError(
      "PermissionDenied",
      `${resource} "web-0-shop-vault" is forbidden (HTTP 403): the driver's service account may not patch it in ` +
        `namespace "shop", or may not change its owner, which takes the right to delete; install the chart's RBAC`,
    ),
  );
});

const denial = "admission.yaml denied request: the pod status is of another node";

test.each([
  ["of a pod that moved here is busy: its old one is not collected yet", { message: denial }, "Busy"],
  ["that is not valid is told as that", { message: "status.objects: wrong type" }, "InvalidRequest"],
  ["that is refused without a word is told as that", {}, "InvalidRequest"],
])("a status %s", async (_, body, reason) => {
  const statuses = createPodStatuses(createFakeCluster({ status: 422, body }));
  await expect(statuses.apply(status, noSignal)).rejects.toMatchObject({ reason });
});

test("the chart's admission policy refuses in the words by which a pod that moved is told", () => {
  const policy = readFileSync("charts/azure-keyvault-csi/templates/admission.yaml", "utf8");
  expect(policy).toContain("message: the pod status is of another node\n      reason: Invalid\n");
});

test("a status is read for its UID and those of its owners", async () => {
  const body = { metadata: { uid: "status", ownerReferences: [ownerOf("a"), {}, ownerOf(1), ownerOf("b")] } };
  const cluster = createFakeCluster({ status: 200, body });
  expect(await createPodStatuses(cluster).read(ref, noSignal)).toEqual({ uid: "status", ownerUids: ["a", "b"] });
  expect(cluster.requests).toEqual([{ method: "GET", path }]);
});

test.each([[{}], [{ metadata: {} }], [null]])("a status with body %j has no owners", async (body) => {
  const statuses = createPodStatuses(createFakeCluster({ status: 200, body }));
  expect(await statuses.read(ref, noSignal)).toEqual({ uid: "", ownerUids: [] });
});

test("a status that is absent is undefined", async () => {
  const statuses = createPodStatuses(createFakeCluster({ status: 404, body: {} }));
  expect(await statuses.read(ref, noSignal)).toBeUndefined();
});
