import { describe, expect, test } from "vitest";
import type { KubernetesObject } from "../../../src/release-model.ts";
import { DESIRED_SECRET, parseDesired } from "../../../src/reconcile/desired.ts";

function secretOf(manifests: string, annotations?: Readonly<Record<string, string>>): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: DESIRED_SECRET, ...(annotations && { annotations }) },
    data: { "manifests.yaml": Buffer.from(manifests).toString("base64") },
  };
}

function manifest(kind: string, more = ""): string {
  return `apiVersion: v1\nkind: ${kind}\nmetadata: {name: x}\n${more}`;
}

describe("the objects that are desired", () => {
  test("come in the order in which they can be made: accounts, roles, bindings, what runs", () => {
    const kinds = [
      "DaemonSet",
      "RoleBinding",
      "ClusterRoleBinding",
      "Role",
      "ClusterRole",
      "ConfigMap",
      "Secret",
      "ServiceAccount",
    ];
    const text = kinds.map((kind) => manifest(kind)).join("---\n");
    expect(parseDesired(secretOf(text)).map(({ kind }) => kind)).toEqual([
      ...["ServiceAccount", "Secret", "ConfigMap", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
      "DaemonSet",
    ]);
  });

  test("bear Helm's marks as the Secret does, and nothing else of it", () => {
    const marks = { "meta.helm.sh/release-name": "demo", "meta.helm.sh/release-namespace": "kube-system" };
    const [object] = parseDesired(secretOf(manifest("ConfigMap"), { ...marks, "checksum/desired": "1" }));
    expect(object?.metadata.annotations).toEqual(marks);
  });

  test("are as they were written where no Helm brought them", () => {
    const text = manifest("ConfigMap", "data: {a: b}\n");
    expect(parseDesired(secretOf(text))).toEqual([
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" }, data: { a: "b" } },
    ]);
  });

  test("have the texts of a Secret as the API server stores them", () => {
    const [secret] = parseDesired(
      secretOf(manifest("Secret", "stringData: {a: ä, b: new}\ndata: {b: b2xk, c: Yw==}\n")),
    );
    expect(secret).toEqual({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "x" },
      data: { a: "w6Q=", b: "bmV3", c: "Yw==" },
    });
  });

  test.each([
    ["without the key", { ...secretOf(""), data: {} }, "has no key manifests.yaml"],
    ["without data", { ...secretOf(""), data: undefined }, "has no key manifests.yaml"],
    ["with what is no object", secretOf("a: b\n"), "document 1 is no Kubernetes object"],
  ])("cannot be told from a Secret %s", (_, secret, message) => {
    expect(() => parseDesired(secret)).toThrow(message);
  });
});
