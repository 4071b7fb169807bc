import type { V1ClusterRole, V1PolicyRule } from "@kubernetes/client-node";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { manifestsHash } from "../../src/formats/manifest.ts";
import { DESIRED_SECRET, parseDesired } from "../../src/reconcile/desired.ts";
import type { KubernetesObject } from "../../src/release-model.ts";
import { defined, render, renderObjects, version, type Values } from "./helm.ts";

const driver = "secrets-store-csi-driver";
const name = "azure-keyvault-csi-reconciler";
const stamp = "checksum/desired";
const on = { reconciler: { enabled: true } };
const monitoring = Object.fromEntries(
  ["podMonitor", "alertRules", "dashboard"].map((what) => [what, { enabled: true }]),
);

/** Whatever the chart can render, in few values. */
const everything: readonly (readonly [what: string, values: Values, apiVersions: readonly string[]])[] = [
  ["by default", {}, []],
  ["with Secrets and rotation", { [driver]: { syncSecret: { enabled: true }, enableSecretRotation: true } }, []],
  ["with all monitoring", { monitoring }, []],
  ["with a startup taint", { startupTaint: "example.com/wait" }, []],
  ["without the admission policy", { admissionPolicy: { enabled: false } }, []],
  ["with the provider isolated", { isolateProvider: true }, []],
  ["of the provider alone", { [driver]: { install: false } }, []],
  ["on OpenShift", {}, ["security.openshift.io/v1"]],
  [
    "behind Arc's proxy",
    {
      enableArcExtension: true,
      Azure: { proxySettings: { isProxyEnabled: true, httpsProxy: "http://p", proxyCert: "PEM\n---\nPEM" } },
    },
    [],
  ],
];

describe.each(everything)("a release %s", (_, values, apiVersions) => {
  const rendered = renderObjects({ ...values, ...on }, { apiVersions });
  const held = desired(rendered);
  const others = rendered.objects.filter(
    ({ kind, metadata }) =>
      kind !== "CustomResourceDefinition" &&
      metadata?.annotations?.["helm.sh/hook"] === undefined &&
      metadata?.labels?.["app"] !== name,
  );

  test("has everything in the Secret but CRDs, hooks and the reconciler's own", () => {
    const secret = rendered.get("Secret", DESIRED_SECRET).data?.["manifests.yaml"] ?? "";
    const objects = parseAllDocuments(Buffer.from(secret, "base64").toString("utf8")).map(
      (document) => document.toJS() as unknown,
    );
    expect(sorted(objects)).toEqual(sorted(others));
    expect(held.length).toBeGreaterThan(0);
  });

  test("is the same as without a reconciler, but for the reconciler's own", () => {
    const without = renderObjects(values, { apiVersions }).objects;
    expect(sorted(rendered.objects.filter(({ metadata }) => metadata?.labels?.["app"] !== name))).toEqual(
      sorted(without),
    );
  });

  test("lets the reconciler hold each object, by its name, where it is", () => {
    for (const object of held) {
      const { group, plural } = resourceOf(object);
      const rules = rulesAt(rendered, object.metadata.namespace);
      const naming = rules.filter(
        (rule) => isAbout(rule, group, plural) && rule.resourceNames?.includes(object.metadata.name),
      );
      expect(naming.map(({ verbs }) => verbs)).toEqual([["get", "watch", "create", "patch", "update", "delete"]]);
    }
  });

  test("gives the reconciler what the roles give that it restores", () => {
    const roles = held.filter(({ kind }) => kind === "ClusterRole") as unknown as readonly V1ClusterRole[];
    const given = rulesAt(rendered, undefined).filter(({ resourceNames }) => resourceNames === undefined);
    for (const rule of roles.flatMap(({ rules }) => rules ?? [])) expect(given).toContainEqual(rule);
    expect(given.length).toBe(roles.flatMap(({ rules }) => rules ?? []).length);
  });
});

test.each([
  [{}, false],
  [{ extension: { type: "microsoft.azurekeyvaultsecretsprovider" } }, true],
  [{ extension: { type: "microsoft.azurekeyvaultsecretsprovider" }, reconciler: { enabled: false } }, false],
  [on, true],
])("with %j there is a reconciler: %s", (values, there) => {
  expect(renderObjects(values).objects.some(({ kind }) => kind === "Deployment")).toBe(there);
});

describe("the reconciler", () => {
  const { get } = renderObjects(on);
  const deployment = get("Deployment", name);
  const pod = defined(deployment.spec?.template.spec, "a pod");

  test("is not there unless it is asked for", () => {
    expect(renderObjects({}).objects.filter(({ metadata }) => metadata?.labels?.["app"] === name)).toEqual([]);
  });

  test("runs once, without any right on its node", () => {
    expect(deployment.spec).toMatchObject({ replicas: 1, strategy: { type: "Recreate" } });
    expect(pod.hostNetwork).toBeUndefined();
    expect(pod.volumes).toBeUndefined();
    expect(pod.containers).toHaveLength(1);
    expect(pod.containers[0]).toMatchObject({
      image: `azure-keyvault-csi:${version}`,
      args: ["--namespace=kube-system"],
      securityContext: {
        runAsNonRoot: true,
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ["ALL"] },
        seccompProfile: { type: "RuntimeDefault" },
      },
    });
    expect(pod.containers[0]?.command?.at(-1)).toBe("reconcile");
  });

  test("its pod is not found by the plugin's label, and its own label finds no plugin", () => {
    expect(deployment.spec?.template.metadata?.labels?.["app"]).toBe(name);
    expect(deployment.spec?.selector.matchLabels).toEqual({ app: name });
    const labelled = renderObjects({ ...on, [driver]: { commonLabels: { app: "other" } } }).get("Deployment", name);
    expect(labelled.spec?.template.metadata?.labels?.["app"]).toBe(name);
  });

  test("Secret and Deployment bear the stamp of what was rendered, and no pod is started anew for it", () => {
    const stamps = (values: Values): readonly unknown[] => {
      const objects = renderObjects({ ...on, ...values });
      const written = objects.get("Deployment", name);
      expect(JSON.stringify(written.spec)).not.toContain(stamp);
      return [objects.get("Secret", DESIRED_SECRET), written].map(({ metadata }) => metadata?.annotations?.[stamp]);
    };
    const [secret, own] = stamps({});
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(own).toBe(secret);
    expect(stamps({})).toEqual([secret, secret]);
    const manifests = renderObjects(on).get("Secret", DESIRED_SECRET).data?.["manifests.yaml"] ?? "";
    expect(manifestsHash(Buffer.from(manifests, "base64"))).toBe(secret);
    expect(stamps({ logVerbosity: 3 })).not.toContain(secret);
  });

  test("logs as the plugin does", () => {
    const values = { ...on, logVerbosity: 3, logFormatJSON: true };
    expect(renderObjects(values).get("Deployment", name).spec?.template.spec?.containers[0]?.args).toEqual([
      "--namespace=kube-system",
      "-v=3",
      "--log-format-json",
    ]);
  });

  test("is found by Prometheus where the plugin is", () => {
    const { get: find } = renderObjects({
      ...on,
      monitoring: { podMonitor: { enabled: true, labels: { team: "blue" } } },
    });
    const monitor = find("PodMonitor", name);
    expect(monitor.metadata?.labels).toMatchObject({ team: "blue", app: name });
    expect(monitor.spec).toEqual({
      selector: { matchLabels: { app: name } },
      podMetricsEndpoints: [{ port: pod.containers[0]?.ports?.[1]?.name }],
    });
  });

  test("is started without rights of the chart's where the chart makes none", () => {
    const kinds = renderObjects({ ...on, [driver]: { rbac: { install: false } } }).objects.map(
      ({ kind, metadata }) => `${kind ?? ""} ${metadata?.name ?? ""}`,
    );
    expect(kinds.filter((kind) => kind.endsWith(name))).toEqual([`Deployment ${name}`]);
  });

  test("may neither escalate nor bind, and reads of Secrets only what it holds and its own", () => {
    for (const rules of [rulesAt(renderObjects(on), undefined), rulesAt(renderObjects(on), "kube-system")])
      for (const rule of rules) {
        expect(rule.verbs).not.toContain("escalate");
        expect(rule.verbs).not.toContain("bind");
        if (rule.resources?.includes("secrets")) expect(rule.resourceNames).toEqual([DESIRED_SECRET]);
      }
  });

  test("the plugin's DaemonSet is what it is without one", () => {
    expect(render(on).daemonSet).toEqual(render().daemonSet);
  });
});

type Objects = ReturnType<typeof renderObjects>;

/** As the reconciler reads it. */
function desired({ get }: Objects): readonly KubernetesObject[] {
  return parseDesired(get("Secret", DESIRED_SECRET) as unknown as KubernetesObject);
}

function rulesAt({ objects }: Objects, namespace: string | undefined): readonly V1PolicyRule[] {
  const kind = namespace === undefined ? "ClusterRole" : "Role";
  const roles = objects.filter((object) => object.kind === kind && object.metadata?.name === name);
  return (roles as readonly Pick<V1ClusterRole, "rules">[]).flatMap(({ rules }) => rules ?? []);
}

function isAbout({ apiGroups = [], resources = [] }: V1PolicyRule, group: string, plural: string): boolean {
  return apiGroups.includes(group) && resources.includes(plural);
}

const plurals: Readonly<Record<string, string>> = {
  ValidatingAdmissionPolicy: "validatingadmissionpolicies",
  ValidatingAdmissionPolicyBinding: "validatingadmissionpolicybindings",
  ClusterRole: "clusterroles",
  ClusterRoleBinding: "clusterrolebindings",
  RoleBinding: "rolebindings",
  CSIDriver: "csidrivers",
  DaemonSet: "daemonsets",
  ServiceAccount: "serviceaccounts",
  ConfigMap: "configmaps",
  Secret: "secrets",
  PodMonitor: "podmonitors",
  PrometheusRule: "prometheusrules",
};

function resourceOf({ apiVersion, kind }: KubernetesObject): { group: string; plural: string } {
  const [group = ""] = apiVersion.includes("/") ? apiVersion.split("/") : [""];
  return { group, plural: defined(plurals[kind], `the plural of ${kind}`) };
}

function sorted(objects: readonly unknown[]): readonly string[] {
  return objects.map((object) => JSON.stringify(object)).sort();
}
