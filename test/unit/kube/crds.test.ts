import { describe, expect, test } from "vitest";
import type { ApiAnswer, ApiRequest } from "../../../src/kube/api.ts";
import { createCrds } from "../../../src/kube/crds.ts";
import { noSignal } from "../../fakes/volumes.ts";

const name = "secretproviderclasses.secrets-store.csi.x-k8s.io";
const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`;
const manifest = { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", metadata: { name } };

/** A cluster that answers what is read and what is applied. */
function crdsOf(read: ApiAnswer, applied: ApiAnswer = { status: 200, body: {} }) {
  const requests: ApiRequest[] = [];
  const call = (request: ApiRequest): Promise<ApiAnswer> => {
    requests.push(request);
    return Promise.resolve(request.method === "GET" ? read : applied);
  };
  return { requests, crds: createCrds({ api: { call }, metrics: { kubernetesRequest: () => undefined } }) };
}

function at(generation: number, status = 200): ApiAnswer {
  return { status, body: { metadata: { generation } } };
}

const absent: ApiAnswer = { status: 404, body: {} };

describe("a CRD", () => {
  test.each([
    ["created", absent, at(1, 201)],
    ["changed", at(1), at(2)],
    ["unchanged", at(2), at(2)],
  ])("is told as %s", async (outcome, before, after) => {
    expect(await crdsOf(before, after).crds.apply(manifest, false, noSignal)).toBe(outcome);
  });

  test.each([
    [false, ""],
    [true, "&dryRun=All"],
  ])("is applied with force, under the driver's name; dry run %s", async (dryRun, query) => {
    const { requests, crds } = crdsOf(at(1), at(1));
    await crds.apply(manifest, dryRun, noSignal);
    expect(requests).toEqual([
      { method: "GET", path },
      {
        method: "PATCH",
        path: `${path}?fieldManager=azure-keyvault-csi&force=true${query}`,
        body: { contentType: "application/apply-patch+yaml", content: manifest },
      },
    ]);
  });

  test.each([
    ["PermissionDenied", "HTTP 403, create", absent, 403],
    ["PermissionDenied", "HTTP 403, patch", at(1), 403],
    ["InvalidRequest", "status.storedVersions", at(1), 422],
    ["KubernetesUnavailable", "HTTP 503", at(1), 503],
  ])("that is refused fails as %s, saying %s", async (reason, message, before, status) => {
    const applied = crdsOf(before, { status, body: { message: "inside" } }).crds.apply(manifest, false, noSignal);
    const error = await applied.catch((failure: unknown) => failure);
    expect(error).toMatchObject({ reason, message: expect.stringContaining(message) as string });
    expect(String(error)).not.toContain("inside");
  });

  test.each([
    [true, [{ type: "NamesAccepted" }, { type: "Established", status: "True" }]],
    [false, [{ type: "Established", status: "False" }]],
    [false, undefined],
  ])("is served: %s, with conditions %j", async (expected, conditions) => {
    const { crds } = crdsOf({ status: 200, body: { status: { conditions } } });
    expect(await crds.isEstablished(name, noSignal)).toBe(expected);
  });
});
