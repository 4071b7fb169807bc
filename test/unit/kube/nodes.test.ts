import { expect, test } from "vitest";
import type { ApiAnswer, ApiRequest } from "../../../src/kube/api.ts";
import { createNodes } from "../../../src/kube/nodes.ts";
import { noSignal } from "../../fakes/volumes.ts";

const key = "secrets-store.csi.k8s.io/agent-not-ready";
const other = { key: "dedicated", value: "web", effect: "NoSchedule", timeAdded: "2026-01-01T00:00:00Z" };

/** A cluster with one node of these taints, or none. */
function removeFrom(taints: unknown, patched: ApiAnswer = { status: 200, body: {} }, name = "node-1") {
  const requests: ApiRequest[] = [];
  const node = { metadata: { name: "node-1", resourceVersion: "7" }, spec: { taints } };
  const call = (request: ApiRequest): Promise<ApiAnswer> => {
    requests.push(request);
    if (request.method === "PATCH") return Promise.resolve(patched);
    return Promise.resolve(request.path.endsWith("/node-1") ? { status: 200, body: node } : { status: 404, body: {} });
  };
  const nodes = createNodes({ api: { call }, metrics: { kubernetesRequest: () => undefined } });
  return { requests, outcome: nodes.removeTaint(name, key, noSignal) };
}

test("a taint of that key goes, whatever its value and effect, and others stay as they are", async () => {
  const { requests, outcome } = removeFrom([
    { key, effect: "NoExecute" },
    other,
    { key, value: "x", effect: "NoSchedule" },
  ]);
  expect(await outcome).toBe("removed");
  expect(requests[1]).toEqual({
    method: "PATCH",
    path: "/api/v1/nodes/node-1?fieldManager=azure-keyvault-csi",
    body: {
      contentType: "application/merge-patch+json",
      content: { metadata: { resourceVersion: "7" }, spec: { taints: [other] } },
    },
  });
});

test.each([[undefined], [[]], [[other]]])("a node without it is not written: %j", async (taints) => {
  const { requests, outcome } = removeFrom(taints);
  expect(await outcome).toBe("absent");
  expect(requests).toHaveLength(1);
});

test.each([
  [409, "Busy"],
  [403, "PermissionDenied"],
  [503, "KubernetesUnavailable"],
])("a write that is answered by HTTP %i fails as %s", async (status, reason) => {
  await expect(removeFrom([{ key }], { status, body: {} }).outcome).rejects.toMatchObject({ reason });
});

test("a node that is not there is not without the taint: its name is wrong, or it is not made yet", async () => {
  const { outcome } = removeFrom([], undefined, "node-2");
  await expect(outcome).rejects.toMatchObject({ reason: "InvalidRequest" });
  await expect(outcome).rejects.toThrow("--nodeid must be the name of a Node");
});
