import { describe, expect, test } from "vitest";
import type { KubernetesObject } from "../../../src/release-model.ts";
import { driftOf } from "../../../src/reconcile/drift.ts";
import { wantedOf } from "../../../src/reconcile/wanted.ts";

const base: KubernetesObject = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "x", labels: { app: "x" } },
};

describe("drift", () => {
  const desired = { ...base, spec: { a: 1, list: [{ b: 2 }, { b: 3 }] } };

  test.each<[what: string, live: object, paths: readonly string[]]>([
    ["nothing", {}, []],
    ["the order of fields", { spec: { list: [{ b: 2 }, { b: 3 }], a: 1 } }, []],
    ["status", { status: { ready: 1 } }, []],
    [
      "labels and annotations of others",
      { metadata: { name: "x", labels: { app: "x", team: "blue" }, annotations: { n: "1" } } },
      [],
    ],
    [
      "owners, finalizers, versions",
      { metadata: { ...base.metadata, finalizers: ["f"], uid: "u", resourceVersion: "7" } },
      [],
    ],
    ["a label of the chart", { metadata: { name: "x", labels: { app: "y" } } }, ["metadata.labels.app"]],
    ["a label that is gone", { metadata: { name: "x" } }, ["metadata.labels.app"]],
    ["a value", { spec: { ...desired.spec, a: 2 } }, ["spec.a"]],
    ["the type of a value", { spec: { ...desired.spec, a: "1" } }, ["spec.a"]],
    ["a value in a list", { spec: { a: 1, list: [{ b: 2 }, { b: 4 }] } }, ["spec.list.1.b"]],
    ["the length of a list", { spec: { a: 1, list: [{ b: 2 }] } }, ["spec.list"]],
    ["a list that is a map", { spec: { a: 1, list: { 0: { b: 2 }, 1: { b: 3 } } } }, ["spec.list"]],
    ["a value that is null", { spec: { ...desired.spec, a: null } }, ["spec.a"]],
    ["a field that is gone", { spec: { list: desired.spec.list } }, ["spec.a"]],
    ["a field that was added", { spec: { ...desired.spec, c: 1 } }, ["spec.c"]],
    ["a field at the top", { more: true }, ["more"]],
  ])("of %s", (_, live, paths) => {
    expect(driftOf(desired, desired, { ...desired, ...live })).toEqual(paths);
  });

  test("is none where a webhook makes the same of both, even of what the chart names", () => {
    const stored = { ...desired, metadata: { name: "x", labels: { app: "webhook's" } }, spec: { injected: true } };
    expect(driftOf(desired, stored, stored)).toEqual([]);
  });
});

describe("what is wanted", () => {
  const live: KubernetesObject = {
    ...base,
    metadata: {
      name: "x",
      uid: "u",
      resourceVersion: "7",
      labels: { app: "y", team: "blue" },
      annotations: { n: "1" },
      finalizers: ["f"],
      ownerReferences: [{ uid: "o" }],
      managedFields: [{ manager: "kubectl" }],
    },
    spec: { added: true, template: { metadata: { annotations: {} }, spec: {} } },
    status: { ready: 1 },
  };
  const desired = { ...base, spec: { template: { spec: { a: 1 } } } };

  test("is the chart's, with what is other people's, as a replacement of what is there", () => {
    expect(wantedOf(desired, live)).toEqual({
      ...desired,
      metadata: {
        name: "x",
        uid: "u",
        resourceVersion: "7",
        labels: { app: "x", team: "blue" },
        annotations: { n: "1" },
        finalizers: ["f"],
        ownerReferences: [{ uid: "o" }],
      },
      status: { ready: 1 },
    });
  });

  test("has no status where there is none", () => {
    expect("status" in wantedOf(desired, base)).toBe(false);
  });

  test("keeps a restart of the pods, and no other annotation of theirs", () => {
    const annotations = { "kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z", other: "x" };
    const restarted = { ...live, spec: { template: { metadata: { annotations }, spec: {} } } };
    expect(wantedOf(desired, restarted)["spec"]).toEqual({
      template: {
        metadata: { annotations: { "kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z" } },
        spec: { a: 1 },
      },
    });
  });

  test.each([
    ["ServiceAccount", { secrets: [{ name: "token" }], imagePullSecrets: [{ name: "registry" }] }],
    ["ServiceAccount", { secrets: [{ name: "token" }] }],
    ["ClusterRole", {}],
  ])("of a %s has what OpenShift fills in, and nothing else: %j", (kind, filledIn) => {
    const object = { ...base, kind };
    const found = { ...object, secrets: [{ name: "token" }], automountServiceAccountToken: false, ...filledIn };
    const wanted = wantedOf(object, found);
    expect(wanted).toEqual({ apiVersion: base.apiVersion, kind, metadata: wanted.metadata, ...filledIn });
  });
});
