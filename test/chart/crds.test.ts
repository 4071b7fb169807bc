import { describe, expect, test } from "vitest";
import { carriedCrds } from "../../src/commands/crds.ts";
import { render, renderProvider, version } from "./helm.ts";

const driver = "secrets-store-csi-driver";
const name = "secrets-store-csi-driver-upgrade-crds";
const kinds = ["ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Job"] as const;

/** What Helm brings with the first installation. */
const chartCrds = render().objects.filter(({ kind }) => kind === "CustomResourceDefinition");

function hookOf(linux: object = {}, values: object = {}) {
  const { get } = render({ ...values, [driver]: { linux } });
  return get("Job", name);
}

describe("the hook that brings the CRDs up to date", () => {
  const { get, container } = render();

  test.each(kinds)("its %s comes before an installation and an upgrade, and goes with success", (kind) => {
    expect(get(kind, name).metadata?.annotations).toEqual({
      "helm.sh/hook": "pre-install,pre-upgrade",
      "helm.sh/hook-delete-policy": "before-hook-creation,hook-succeeded",
      "helm.sh/hook-weight": kind === "Job" ? "10" : "1",
    });
  });

  test("may read, create and patch the two CRDs that the chart has, by name, and nothing else", () => {
    const names = chartCrds.map(({ metadata }) => metadata?.name);
    expect(names).toHaveLength(2);
    expect(get("ClusterRole", name).rules).toEqual([
      {
        apiGroups: ["apiextensions.k8s.io"],
        resources: ["customresourcedefinitions"],
        resourceNames: names,
        verbs: ["get", "create", "patch"],
      },
    ]);
    expect(get("ClusterRoleBinding", name).subjects).toEqual([
      { kind: "ServiceAccount", name, namespace: "kube-system" },
    ]);
  });

  test("runs the plugin's image with the command crds, without any right on its node", () => {
    const pod = hookOf().spec?.template.spec;
    expect(pod).toMatchObject({ serviceAccountName: name, restartPolicy: "Never" });
    expect(pod?.hostNetwork).toBeUndefined();
    expect(pod?.volumes).toBeUndefined();
    expect(pod?.containers).toHaveLength(1);
    expect(pod?.containers[0]).toMatchObject({
      image: `azure-keyvault-csi:${version}`,
      imagePullPolicy: container.imagePullPolicy,
      securityContext: { runAsNonRoot: true, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } },
    });
    expect(pod?.containers[0]?.command?.at(-1)).toBe("crds");
  });

  test("runs where the plugin may run, with the secrets for its registry", () => {
    const spec = hookOf({ nodeSelector: { pool: "a" } }, { imagePullSecrets: [{ name: "registry" }] }).spec?.template
      .spec;
    const plugin = render().pod;
    expect(spec?.nodeSelector).toEqual({ "kubernetes.io/os": "linux", pool: "a" });
    expect(spec?.tolerations).toEqual(plugin.tolerations);
    expect(spec?.affinity).toEqual(plugin.affinity);
    expect(spec?.imagePullSecrets).toEqual([{ name: "registry" }]);
  });

  test("may have the user that it asks for, where OpenShift would choose another", () => {
    const bound = (apiVersions: readonly string[]): unknown =>
      render({}, { apiVersions }).objects.find(
        ({ kind, metadata }) => kind === "RoleBinding" && metadata?.name === name,
      );
    expect(bound([])).toBeUndefined();
    expect(bound(["security.openshift.io/v1"])).toMatchObject({
      metadata: { annotations: get("ServiceAccount", name).metadata?.annotations },
      roleRef: { kind: "ClusterRole", name: "system:openshift:scc:nonroot-v2" },
      subjects: [{ kind: "ServiceAccount", name, namespace: "kube-system" }],
    });
  });

  test("runs our image, whatever image of the pair's the values name", () => {
    const image = { repository: "mcr.microsoft.com/oss/v2/azure/secrets-store/provider-azure", tag: "v1.8.2" };
    const { spec } = hookOf({}, { linux: { image } });
    expect(spec?.template.spec?.containers[0]?.image).toBe(`azure-keyvault-csi:${version}`);
  });

  test("its pod is not found by the plugin's label, whatever labels are asked for", () => {
    const podLabels = { team: "blue", app: driver };
    const labels = hookOf({ crds: { podLabels } }).spec?.template.metadata?.labels;
    expect(labels).toMatchObject({ team: "blue", app: name, "app.kubernetes.io/name": name });
  });

  test("takes resources, and annotations that do not make it another hook", () => {
    const resources = { limits: { memory: "128Mi" } };
    const annotations = { note: "x", "helm.sh/hook": "test" };
    const job = hookOf({ crds: { resources, annotations } });
    expect(job.spec?.template.spec?.containers[0]?.resources).toEqual(resources);
    expect(job.metadata?.annotations).toMatchObject({ note: "x", "helm.sh/hook": "pre-install,pre-upgrade" });
  });

  test.each([
    ["crds.enabled is false", render({ [driver]: { linux: { crds: { enabled: false } } } })],
    ["the driver, whose the CRDs are, is another's", renderProvider()],
  ])("is not there where %s", (_, { objects }) => {
    expect(objects.filter(({ metadata }) => metadata?.name === name)).toEqual([]);
  });
});

test("the command carries what the chart installs", () => {
  expect(carriedCrds()).toEqual(chartCrds);
});
