import { describe, expect, test } from "vitest";
import { defined, evaluate, render } from "./helm.ts";

const driver = "secrets-store-csi-driver";
const group = "secrets-store.csi.x-k8s.io";

describe("the CSIDriver", () => {
  const { csiDriver } = render();

  test("asks kubelet for the pod and for Azure's tokens", () => {
    expect(csiDriver.spec).toEqual({
      podInfoOnMount: true,
      attachRequired: false,
      volumeLifecycleModes: ["Ephemeral"],
      requiresRepublish: false,
      tokenRequests: [{ audience: "api://AzureADTokenExchange" }, { audience: "api://AKSIdentityBinding" }],
      serviceAccountTokenInSecrets: true,
    });
  });

  test.each([
    [{ enableSecretRotation: true }, true],
    [{ syncSecret: { enabled: true } }, true],
    [{ syncSecret: { allowTokenTypes: true } }, false],
  ])("has kubelet publish again where that is of use: %j", (values, republishes) => {
    expect(render({ [driver]: values }).csiDriver.spec.requiresRepublish).toBe(republishes);
  });

  test("is open to OpenShift's restricted pods", () => {
    expect(csiDriver.metadata?.labels).toMatchObject({
      "security.openshift.io/csi-ephemeral-volume-profile": "restricted",
    });
  });

  // Some releases of helm cut what --kube-version says, and none cuts what a cluster says: so the rule is asked itself.
  test.each([
    ["1.30.0", ""],
    ["v1.34.9", ""],
    ["v1.34.3-gke.1245000", ""],
    ["v1.35.0", "true"],
    ["v1.35.1-gke.7", "true"],
    ["v1.35.0-eks-abc123", "true"],
    ["v1.35.2+k3s1", "true"],
    ["1.35+", "true"],
    ["v1.36+", "true"],
    ["v2.0.0", "true"],
  ])("has tokens come as secrets where the cluster can: %s", (version, inSecrets) => {
    expect(evaluate(`include "akv.tokensInSecrets" "${version}"`)).toBe(inSecrets);
  });

  test.each([
    ["v1.34.9", undefined],
    ["v1.35.0", true],
    ["v1.35.1-gke.7", true],
  ])("takes the cluster's version: %s", (kubeVersion, inSecrets) => {
    expect(render({}, { kubeVersion }).csiDriver.spec.serviceAccountTokenInSecrets).toBe(inSecrets);
  });

  test("says nothing of tokens if there are none: the API server would refuse it", () => {
    const { csiDriver: without } = render({ [driver]: { tokenRequests: [] } });
    expect(without.spec).not.toHaveProperty("tokenRequests");
    expect(without.spec).not.toHaveProperty("serviceAccountTokenInSecrets");
  });
});

describe("rights", () => {
  const { get } = render();

  test("of the plugin are those of docs/security.md", () => {
    expect(get("ClusterRole", "secretproviderclasses-role").rules).toEqual([
      { apiGroups: [group], resources: ["secretproviderclasses"], verbs: ["get"] },
      { apiGroups: [group], resources: ["secretproviderclasspodstatuses"], verbs: ["get", "create", "patch"] },
      { apiGroups: [group], resources: ["secretproviderclasspodstatuses"], verbs: ["delete"] },
      { apiGroups: [""], resources: ["events"], verbs: ["create", "patch"] },
    ]);
    expect(get("ClusterRoleBinding", "secretproviderclasses-rolebinding")).toMatchObject({
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "secretproviderclasses-role" },
      subjects: [{ kind: "ServiceAccount", name: driver, namespace: "kube-system" }],
    });
  });

  test("of the plugin touch pods and Secrets only where Secrets are synced", () => {
    expect(() => get("ClusterRole", "secretprovidersyncing-role")).toThrow("missing");
    const syncing = render({ [driver]: { syncSecret: { enabled: true } } });
    expect(syncing.get("ClusterRole", "secretprovidersyncing-role").rules).toEqual([
      { apiGroups: [""], resources: ["pods"], verbs: ["get"] },
      { apiGroups: [""], resources: ["secrets"], verbs: ["get", "create", "patch"] },
      { apiGroups: [""], resources: ["secrets"], verbs: ["delete"] },
    ]);
    expect(syncing.get("ClusterRoleBinding", "secretprovidersyncing-rolebinding")).toMatchObject({
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "secretprovidersyncing-role" },
      subjects: [{ kind: "ServiceAccount", name: driver, namespace: "kube-system" }],
    });
  });

  const all = ["get", "list", "watch", "create", "update", "patch", "delete"];
  const view = ["get", "list", "watch"];
  test.each([
    ["secretproviderclasses-admin-role", "secretproviderclasses", all, ["admin", "edit"]],
    ["secretproviderclasses-viewer-role", "secretproviderclasses", view, ["view"]],
    ["secretproviderclasspodstatuses-viewer-role", "secretproviderclasspodstatuses", view, ["view"]],
  ])("of people: %s", (name, resource, verbs, joined) => {
    const role = get("ClusterRole", name);
    const aggregated = Object.keys(role.metadata?.labels ?? {}).filter((label) => label.includes("aggregate-to-"));
    expect(aggregated).toEqual(joined.map((to) => `rbac.authorization.k8s.io/aggregate-to-${to}`));
    expect(role.rules).toEqual([{ apiGroups: [group], resources: [resource], verbs }]);
  });
});

describe("the CRDs", () => {
  const { get } = render();

  test.each([
    ["secretproviderclasses", "SecretProviderClass", ["spec", "status"]],
    ["secretproviderclasspodstatuses", "SecretProviderClassPodStatus", ["status"]],
  ])("%s: v1 is stored, v1alpha1 is served and deprecated", (plural, kind, parts) => {
    const { spec } = get("CustomResourceDefinition", `${plural}.${group}`);
    const singular = kind.toLowerCase();
    expect(spec).toMatchObject({
      group,
      scope: "Namespaced",
      names: { kind, listKind: `${kind}List`, plural, singular },
    });
    expect(spec.versions.map(({ name, served, storage, deprecated }) => [name, served, storage, deprecated])).toEqual([
      ["v1", true, true, undefined],
      ["v1alpha1", true, false, true],
    ]);
    for (const { schema } of spec.versions) {
      expect(Object.keys(schema?.openAPIV3Schema?.properties ?? {})).toEqual([
        "apiVersion",
        "kind",
        "metadata",
        ...parts,
      ]);
    }
  });

  test("require nothing, allow no unknown fields, and describe every field", () => {
    for (const plural of ["secretproviderclasses", "secretproviderclasspodstatuses"]) {
      for (const { schema } of get("CustomResourceDefinition", `${plural}.${group}`).spec.versions) {
        expect(undescribed(defined(schema?.openAPIV3Schema, "schema") as Schema, plural)).toEqual([]);
        expect(JSON.stringify(schema)).not.toMatch(/"required"|"enum"|"pattern"|preserve-unknown/);
      }
    }
  });

  test("have the fields of a class and of a pod status", () => {
    expect(fieldsOf("secretproviderclasses", "spec")).toEqual({
      provider: "string",
      parameters: { "*": "string" },
      secretObjects: [
        {
          secretName: "string",
          type: "string",
          labels: { "*": "string" },
          annotations: { "*": "string" },
          data: [{ objectName: "string", key: "string" }],
        },
      ],
    });
    expect(fieldsOf("secretproviderclasspodstatuses", "status")).toEqual({
      podName: "string",
      secretProviderClassName: "string",
      mounted: "boolean",
      targetPath: "string",
      objects: [{ id: "string", version: "string" }],
    });
  });

  function fieldsOf(plural: string, part: string): unknown {
    const [v1] = get("CustomResourceDefinition", `${plural}.${group}`).spec.versions;
    return shape(defined(v1?.schema?.openAPIV3Schema?.properties?.[part], part) as Schema);
  }
});

interface Schema {
  readonly type: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
}

/** A schema as an example of what it takes. */
function shape({ type, properties, items, additionalProperties }: Schema): unknown {
  if (items) return [shape(items)];
  if (additionalProperties) return { "*": shape(additionalProperties) };
  if (type !== "object") return type;
  return Object.fromEntries(Object.entries(properties ?? {}).map(([name, schema]) => [name, shape(schema)]));
}

/** Fields without a description; `metadata` has Kubernetes' own. */
function undescribed({ description, properties = {}, items }: Schema, path: string): string[] {
  const inner = [...Object.entries(properties), ...(items ? [["[]", items] as const] : [])];
  const here = description === undefined && !path.endsWith(".metadata") ? [path] : [];
  return [...here, ...inner.flatMap(([name, schema]) => undescribed(schema, `${path}.${name}`))];
}
