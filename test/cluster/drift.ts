import { kubectl, type KubernetesObject } from "./kubectl.ts";
import { releaseNamespace } from "./release.ts";

/** An object of the release, and what somebody may do to it. */
export interface Target {
  /** As kubectl takes it. */
  readonly name: string;
  /** JSON patches: a field that the chart gives a value, and one that it does not know. */
  readonly change: object;
  readonly add: object;
}

const driver = "secrets-store-csi-driver";

function role(name: string): Target {
  return {
    name: `clusterrole/${name}`,
    change: { op: "replace", path: "/rules/0/verbs", value: ["list"] },
    add: { op: "add", path: "/rules/-", value: { apiGroups: [""], resources: ["nodes"], verbs: ["get"] } },
  };
}

function binding(name: string): Target {
  const subject = { kind: "ServiceAccount", name: "default", namespace: releaseNamespace };
  return {
    name: `clusterrolebinding/${name}`,
    change: { op: "replace", path: "/subjects/0/name", value: "default" },
    add: { op: "add", path: "/subjects/-", value: subject },
  };
}

/** Everything of a release with Secrets, rotation and the dashboard that a reconciler holds. */
export const targets: readonly Target[] = [
  {
    name: `serviceaccount/${driver}`,
    change: { op: "replace", path: "/metadata/labels/app", value: "other" },
    add: { op: "add", path: "/automountServiceAccountToken", value: false },
  },
  {
    name: `daemonset/${driver}`,
    change: { op: "replace", path: "/spec/template/spec/containers/0/image", value: "nowhere.example/other:1" },
    add: {
      op: "add",
      path: "/spec/template/spec/containers/-",
      value: { name: "added", image: "registry.k8s.io/e2e-test-images/busybox:1.29-4", command: ["sleep", "10000"] },
    },
  },
  {
    name: "csidriver/secrets-store.csi.k8s.io",
    change: { op: "replace", path: "/spec/requiresRepublish", value: false },
    add: { op: "add", path: "/spec/fsGroupPolicy", value: "None" },
  },
  {
    name: `validatingadmissionpolicy/${driver}`,
    change: { op: "replace", path: "/spec/failurePolicy", value: "Ignore" },
    add: { op: "add", path: "/spec/validations/-", value: { expression: "true" } },
  },
  {
    name: `validatingadmissionpolicybinding/${driver}`,
    change: { op: "replace", path: "/spec/validationActions", value: ["Audit"] },
    add: {
      op: "add",
      path: "/spec/matchResources",
      value: { namespaceSelector: { matchLabels: { none: "has-this" } } },
    },
  },
  {
    name: `configmap/${driver}-dashboard`,
    change: { op: "replace", path: "/data/azure-keyvault-csi.json", value: "{}" },
    add: { op: "add", path: "/data/added", value: "x" },
  },
  ...["role", "admin-role", "viewer-role"].map((name) => role(`secretproviderclasses-${name}`)),
  role("secretproviderclasspodstatuses-viewer-role"),
  role("secretprovidersyncing-role"),
  ...["secretproviderclasses", "secretprovidersyncing"].map((name) => binding(`${name}-rolebinding`)),
];

/** What is done to an object: each in another order. */
export const deeds = ["delete", "unlabel", "change", "add"] as const;
export type Deed = (typeof deeds)[number];

export async function mutate({ name, ...patches }: Target, deed: Deed): Promise<void> {
  if (deed === "delete") {
    await onObject("delete", name, "--wait=false");
    return;
  }
  const patch = deed === "unlabel" ? { op: "remove", path: "/metadata/labels/helm.sh~1chart" } : patches[deed];
  await onObject("patch", name, "--type=json", "--patch", JSON.stringify([patch]));
}

/** A binding in the place of the chart's that gives somebody something else: no patch makes the chart's of it. */
export async function replaceBinding(): Promise<void> {
  const name = "secretproviderclasses-rolebinding";
  await onObject("delete", `clusterrolebinding/${name}`);
  await kubectl("create", "clusterrolebinding", name, "--clusterrole=view", "--user=nobody");
}

export function onObject(verb: string, name: string, ...args: readonly string[]): Promise<string> {
  return kubectl(verb, name, "-n", releaseNamespace, ...args);
}

interface Live extends KubernetesObject {
  readonly kind: string;
  readonly metadata: KubernetesObject["metadata"] & {
    readonly generation?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

async function read(): Promise<readonly Live[]> {
  const names = targets.map(({ name }) => name);
  const text = await kubectl("get", "-n", releaseNamespace, "--ignore-not-found", "-o", "json", ...names);
  return text === "" ? [] : (JSON.parse(text) as { items: readonly Live[] }).items;
}

/** What a reconciler sees to: all but what the API server, controllers and other people say. */
export async function substance(aside: readonly string[] = []): Promise<ReadonlyMap<string, string>> {
  return new Map((await read()).map((object) => [`${object.kind} ${object.metadata.name}`, textOf(object, aside)]));
}

function textOf(object: Live, aside: readonly string[]): string {
  const { labels = {}, annotations = {} } = object.metadata;
  const left = ["kubectl.kubernetes.io/restartedAt", "deprecated.daemonset.template.generation", ...aside];
  return JSON.stringify({ ...object, metadata: { labels, annotations } }, (key, value: unknown) =>
    left.includes(key) || key === "status" ? undefined : value,
  );
}

/** UID and generation of each: other ones after a write. */
export async function generations(): Promise<readonly string[]> {
  return (await read()).map(({ kind, metadata }) => [kind, metadata.name, metadata.uid, metadata.generation].join(" "));
}
