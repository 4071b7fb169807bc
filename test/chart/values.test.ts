import type { V1PodTemplateSpec } from "@kubernetes/client-node";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { chartDir, render, version, type Rendered } from "./helm.ts";
import { keys } from "./keys.ts";
import { nested } from "./provider-rows.ts";

type Row = readonly [key: string, value: unknown, effect: (rendered: Rendered) => unknown, expected: unknown];

const driver = "secrets-store-csi-driver";
const volume = { name: "trust", configMap: { name: "trust" } };
const mount = { name: "trust", mountPath: "/trust" };
const variable = { name: "HTTPS_PROXY", value: "http://proxy.example" };
const never = { operator: "Equal", key: "a", value: "b" };
const spread = { podAntiAffinity: {} };
const label = { team: "blue" };
const podMetadata = ({ daemonSet }: Rendered): Record<string, Record<string, string>> =>
  (daemonSet.spec?.template.metadata ?? {}) as Record<string, Record<string, string>>;

/** Every key and where it shows: `expected` must be there with the value, and not without. */
const rows: readonly Row[] = [
  ["imagePullSecrets", [{ name: "r" }], ({ pod }) => pod.imagePullSecrets, [{ name: "r" }]],
  ["logFormatJSON", true, ({ args }) => args.includes("--log-format-json"), true],
  ["logVerbosity", 4, ({ args }) => args.includes("-v=4"), true],
  ["constructPEMChain", false, ({ args }) => args.includes("--construct-pem-chain=false"), true],
  ["writeCertAndKeyInSeparateFiles", true, ({ args }) => args.includes("--write-cert-and-key-in-separate-files"), true],
  ["podOverrides", "none", ({ args }) => args.includes("--pod-overrides=none"), true],
  ["startupTaint", "example.com/wait", ({ args }) => args.includes("--startup-taint=example.com/wait"), true],
  [
    "admissionPolicy",
    { enabled: false, deleteWithout: true },
    ({ objects }) => objects.some(({ kind }) => kind === "ValidatingAdmissionPolicy"),
    false,
  ],
  ["monitoring.podMonitor", { enabled: true, labels: label }, ({ objects }) => labelOf(objects, "PodMonitor"), "blue"],
  [
    "monitoring.alertRules",
    { enabled: true, labels: label },
    ({ objects }) => labelOf(objects, "PrometheusRule"),
    "blue",
  ],
  ["monitoring.dashboard", { enabled: true, labels: label }, ({ objects }) => labelOf(objects, "ConfigMap"), "blue"],
  ["linux.image.repository", "r.example/akv", ({ container }) => container.image, `r.example/akv:${version}`],
  ["linux.image.tag", "v9", ({ container }) => container.image, "azure-keyvault-csi:v9"],
  ["linux.image.pullPolicy", "Always", ({ container }) => container.imagePullPolicy, "Always"],
  ["linux.hostNetwork", false, ({ pod }) => pod.hostNetwork, false],
  ["linux.dnsPolicy", "", ({ pod }) => pod.dnsPolicy, undefined],
  ["linux.nodeSelector", label, ({ pod }) => pod.nodeSelector, { ...label, "kubernetes.io/os": "linux" }],
  ["linux.tolerations", [never], ({ pod }) => pod.tolerations, [never]],
  ["linux.affinity", { nodeAffinity: null, ...spread }, ({ pod }) => pod.affinity, spread],
  ["linux.updateStrategy", { type: "OnDelete" }, ({ daemonSet }) => daemonSet.spec?.updateStrategy?.type, "OnDelete"],
  ["linux.priorityClassName", "p", ({ pod }) => pod.priorityClassName, "p"],
  ["linux.podLabels", label, (it) => podMetadata(it)["labels"]?.["team"], "blue"],
  ["linux.podAnnotations", label, (it) => podMetadata(it)["annotations"]?.["team"], "blue"],
  ["linux.env", [variable], ({ container }) => container.env?.[1], variable],
  ["linux.volumes", [volume], ({ pod }) => pod.volumes?.[5], volume],
  ["linux.volumeMounts", [mount], ({ container }) => container.volumeMounts?.[5], mount],
  [`${driver}.maxCallRecvMsgSize`, 8_388_608, ({ args }) => args.includes("--max-call-recv-msg-size=8388608"), true],
  [`${driver}.commonLabels`, label, ({ objects }) => labelled(objects, "team"), true],
  [`${driver}.imagePullSecrets`, [{ name: "r" }], ({ pod }) => pod.imagePullSecrets, [{ name: "r" }]],
  [`${driver}.logFormatJSON`, true, ({ args }) => args.includes("--log-format-json"), true],
  [`${driver}.logVerbosity`, 10, ({ args }) => args.includes("-v=10"), true],
  [`${driver}.livenessProbe.port`, 1, ({ args }) => args.includes("--health-addr=127.0.0.1:1"), true],
  [`${driver}.rbac.install`, false, ({ objects }) => objects.length, 8],
  [`${driver}.enableSecretRotation`, true, ({ args }) => args.includes("--enable-secret-rotation"), true],
  [`${driver}.rotationPollInterval`, "1h30m", ({ args }) => args.includes("--rotation-poll-interval=1h30m"), true],
  [`${driver}.syncSecret.enabled`, true, ({ csiDriver }) => csiDriver.spec.requiresRepublish, true],
  [`${driver}.syncSecret.allowTokenTypes`, true, ({ args }) => args.includes("--allow-token-secret-types"), true],
  [`${driver}.tokenRequests`, [], ({ csiDriver }) => csiDriver.spec.tokenRequests, undefined],
  [`${driver}.automountServiceAccountToken`, false, ({ pod }) => pod.automountServiceAccountToken, false],
  [`${driver}.linux.crds.enabled`, false, ({ objects }) => objects.some(({ kind }) => kind === "Job"), false],
  [
    `${driver}.linux.crds.resources`,
    { limits: { memory: "1Gi" } },
    ({ get }) => hookTemplate(get)?.spec?.containers[0]?.resources,
    { limits: { memory: "1Gi" } },
  ],
  [
    `${driver}.linux.crds.annotations`,
    label,
    ({ objects }) => objects.find(({ kind }) => kind === "Job")?.metadata?.annotations?.["team"],
    "blue",
  ],
  [`${driver}.linux.crds.podLabels`, label, ({ get }) => hookTemplate(get)?.metadata?.labels?.["team"], "blue"],
  [`${driver}.linux.kubeletRootDir`, "/k", ({ pod }) => pod.volumes?.[0]?.hostPath?.path, "/k/pods"],
  [`${driver}.linux.providersDir`, "/p", ({ args }) => args.includes("--provider-volume=/p"), true],
  [
    `${driver}.linux.additionalProvidersDirs`,
    ["/p", "/q"],
    ({ args }) => args.includes("--additional-provider-volume-paths=/p,/q"),
    true,
  ],
  [`${driver}.linux.metricsAddr`, ":1", ({ args }) => args.includes("--metrics-addr=:1"), true],
  [`${driver}.linux.env`, [variable], ({ container }) => container.env?.[1], variable],
  [`${driver}.linux.driver.resources`, { limits: { cpu: 1 } }, cpuLimit, 1],
  [`${driver}.linux.nodeSelector`, label, ({ pod }) => pod.nodeSelector, { ...label, "kubernetes.io/os": "linux" }],
  [`${driver}.linux.tolerations`, [never], ({ pod }) => pod.tolerations, [never]],
  [
    `${driver}.linux.affinity`,
    spread,
    ({ pod }) => Object.keys(pod.affinity ?? {}),
    ["nodeAffinity", "podAntiAffinity"],
  ],
  [
    `${driver}.linux.updateStrategy`,
    { rollingUpdate: { maxUnavailable: "10%" } },
    ({ daemonSet }) => daemonSet.spec?.updateStrategy,
    { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "10%" } },
  ],
  [`${driver}.linux.priorityClassName`, "p", ({ pod }) => pod.priorityClassName, "p"],
  [`${driver}.linux.daemonsetAnnotations`, label, ({ daemonSet }) => daemonSet.metadata?.annotations, label],
  [`${driver}.linux.podLabels`, label, (it) => podMetadata(it)["labels"]?.["team"], "blue"],
  [`${driver}.linux.podAnnotations`, label, (it) => podMetadata(it)["annotations"]?.["team"], "blue"],
  [`${driver}.linux.volumes`, [volume], ({ pod }) => pod.volumes?.[5], volume],
  [`${driver}.linux.volumeMounts`, [mount], ({ container }) => container.volumeMounts?.[5], mount],
];

const defaults = render();

describe("each value has its effect", () => {
  test.each(rows)("%s", (key, value, effect, expected) => {
    expect(effect(defaults)).not.toEqual(expected);
    expect(effect(render(nested(key, value)))).toEqual(expected);
  });

  test("and is in values.yaml, in the schema and in the list of keys", () => {
    const meant = keys.filter(({ unused }) => unused === undefined).map(({ key }) => key);
    const values = parse(readFileSync(`${chartDir}/values.yaml`, "utf8")) as unknown;
    const schema = JSON.parse(readFileSync(`${chartDir}/values.schema.json`, "utf8")) as Schema;
    expect(leaves(values, new Set(meant)).sort()).toEqual(meant.sort());
    expect(
      schemaKeys(schema, schema.definitions)
        .filter((key) => key !== "global")
        .sort(),
    ).toEqual(meant);
  });
});

describe("a value is refused that", () => {
  test.each([
    ["podOverrides", "some"],
    ["cloudName", "AzurePublic"],
    ["tokenProxyUrl", "http://p.example"],
    ["tokenProxyCAFile", "ca.crt"],
    ["nmiPort", 0],
    ["enableArcExtension", "yes"],
    ["linux.enabled", "yes"],
    [`${driver}.providerHealthCheckInterval`, "3"],
    ["startupTaint", "example.com/wait:NoSchedule"],
    ["metricsAddr", "localhost"],
    ["linux.providersDir", "providers"],
    ["linux.healthzPort", 0],
    ["linux.healthzPath", "healthz"],
    ["linux.healthzTimeout", "5"],
    ["linux.customUserAgent", "a\r\nb"],
    [`${driver}.maxCallRecvMsgSize`, 0],
    [`${driver}.linux.providersDir`, "/p/../q"],
    [`${driver}.linux.additionalProvidersDirs`, "/p"],
    ["logVerbosity", 11],
    [`${driver}.linux.kubeletRootDir`, "var/lib/kubelet"],
    [`${driver}.linux.kubeletRootDir`, "/"],
    [`${driver}.linux.kubeletRootDir`, "/var/../kubelet"],
    [`${driver}.linux.kubeletRootDir`, "/var/.."],
    [`${driver}.linux.metricsAddr`, "localhost"],
    [`${driver}.linux.metricsAddr`, ":"],
    [`${driver}.linux.metricsAddr`, "::1:8898"],
    [`${driver}.linux.metricsAddr`, "0"],
    [`${driver}.linux.metricsAddr`, ":0"],
    [`${driver}.linux.metricsAddr`, ":65536"],
    [`${driver}.linux.metricsAddr`, "65536"],
    [`${driver}.linux.metricsAddr`, 0],
    [`${driver}.linux.metricsAddr`, 65_536],
    [`${driver}.livenessProbe.port`, 0],
    ["monitoring.alertRules", { enabled: true, staleAfterSeconds: 0 }],
    [`${driver}.rotationPollInterval`, "3"],
    [`${driver}.rotationPollInterval`, "3 minutes"],
    [`${driver}.rotationPollInterval`, "-3m"],
    [`${driver}.syncSecret.enabled`, "yes"],
    [`${driver}.tokenRequests`, [{ audience: "a", expirationSeconds: 1 }]],
  ])("cannot work: %s=%s", (key, value) => {
    expect(() => render(nested(key, value))).toThrow(`at '/${key.replaceAll(".", "/")}`);
  });
});

describe("null takes a default away", () => {
  test.each([
    ["", "isolateProvider"],
    ["", "rbac"],
    ["rbac", "install"],
    ["", "monitoring"],
    ["", "linux"],
    ["", driver],
    ["linux", "image"],
    ["linux.image", "repository"],
    ["linux.image", "pullPolicy"],
    ["linux", "hostNetwork"],
    ["linux", "providersDir"],
    ["linux", "healthzPort"],
    ["linux", "privileged"],
    [driver, "install"],
    [driver, "maxCallRecvMsgSize"],
    [`${driver}.linux`, "providersDir"],
    [driver, "livenessProbe"],
    [`${driver}.livenessProbe`, "port"],
    [driver, "rbac"],
    [`${driver}.rbac`, "install"],
    [driver, "enableSecretRotation"],
    [driver, "syncSecret"],
    [`${driver}.syncSecret`, "enabled"],
    [driver, "automountServiceAccountToken"],
    [driver, "linux"],
    [`${driver}.linux`, "kubeletRootDir"],
    [`${driver}.linux`, "driver"],
  ])("and is refused where there must be a value: %s.%s", (parent, name) => {
    const path = parent === "" ? "" : `/${parent.replaceAll(".", "/")}`;
    const key = parent === "" ? name : `${parent}.${name}`;
    expect(() => render(nested(key, null))).toThrow(`at '${path}': missing property '${name}'`);
  });

  test.each([
    ["podOverrides", ({ args }: Rendered) => args, defaults.args],
    ["logVerbosity", ({ args }: Rendered) => args, defaults.args],
    ["linux.image.tag", ({ container }: Rendered) => container.image, defaults.container.image],
    ["linux.dnsPolicy", ({ pod }: Rendered) => pod.dnsPolicy, undefined],
    ["linux.tolerations", ({ pod }: Rendered) => pod.tolerations, undefined],
    ["linux.affinity", ({ pod }: Rendered) => pod.affinity, undefined],
    ["linux.updateStrategy", ({ daemonSet }: Rendered) => daemonSet.spec?.updateStrategy, undefined],
    [`${driver}.tokenRequests`, ({ csiDriver }: Rendered) => csiDriver.spec.tokenRequests, undefined],
    [`${driver}.rotationPollInterval`, ({ args }: Rendered) => args, defaults.args],
    [`${driver}.linux.additionalProvidersDirs`, ({ pod }: Rendered) => pod.volumes?.[4], undefined],
    [`${driver}.syncSecret.allowTokenTypes`, ({ args }: Rendered) => args, defaults.args],
    [`${driver}.linux.metricsAddr`, ({ args }: Rendered) => args, defaults.args],
    [`${driver}.linux.driver.resources`, ({ container }: Rendered) => container.resources, undefined],
  ])("and leaves nothing else wrong: %s", (key, effect, expected) => {
    expect(effect(render(nested(key, null)))).toEqual(expected);
  });
});

describe("text stays what it is", () => {
  const odd = `a: "b" # 'c'`;

  test.each([
    ["linux.image.repository", ({ container }: Rendered) => container.image, `${odd}:${version}`],
    ["linux.image.tag", ({ container }: Rendered) => container.image, `azure-keyvault-csi:${odd}`],
    ["linux.priorityClassName", ({ pod }: Rendered) => pod.priorityClassName, odd],
    [`${driver}.linux.priorityClassName`, ({ pod }: Rendered) => pod.priorityClassName, odd],
  ])("in %s", (key, effect, expected) => {
    expect(effect(render(nested(key, odd)))).toBe(expected);
  });

  test("in kubeletRootDir", () => {
    const { args, pod, container } = render(nested(`${driver}.linux.kubeletRootDir`, `/${odd}`));
    expect(args[0]).toBe(`--endpoint=unix:///${odd}/plugins/csi-secrets-store/csi.sock`);
    expect(args[2]).toBe(`--registration-dir=/${odd}/plugins_registry`);
    const paths = ["pods", "plugins/csi-secrets-store", "plugins_registry"].map((name) => `/${odd}/${name}`);
    expect(pod.volumes?.slice(0, 3).map(({ hostPath }) => hostPath?.path)).toEqual(paths);
    expect(container.volumeMounts?.slice(0, 3).map(({ mountPath }) => mountPath)).toEqual(paths);
  });

  test("in a namespace that looks like a number", () => {
    const { get } = render({}, { namespace: "2026" });
    expect(get("DaemonSet", driver).metadata?.namespace).toBe("2026");
    expect(get("ServiceAccount", driver).metadata?.namespace).toBe("2026");
    expect(get("ClusterRoleBinding", "secretproviderclasses-rolebinding").subjects?.[0]?.namespace).toBe("2026");
  });
});

describe("where both halves have a key", () => {
  test.each([
    [4, 2],
    [2, 4],
  ])("the higher verbosity counts: %i and %i", (above, below) => {
    expect(render({ logVerbosity: above, [driver]: { logVerbosity: below } }).args).toContain("-v=4");
  });

  test("the driver's value rules", () => {
    const { pod } = render({
      linux: { tolerations: [never], priorityClassName: "above", nodeSelector: { pool: "above" } },
      [driver]: { linux: { tolerations: [], priorityClassName: "below", nodeSelector: { pool: "below" } } },
    });
    expect(pod.tolerations).toBeUndefined();
    expect(pod).toMatchObject({ priorityClassName: "below", nodeSelector: { pool: "below" } });
  });

  test("lists are joined, and what both say is said once", () => {
    const other = { name: "other", emptyDir: {} };
    const { pod } = render({ linux: { volumes: [volume] }, [driver]: { linux: { volumes: [volume, other] } } });
    expect(pod.volumes?.slice(5)).toEqual([volume, other]);
  });

  test("nobody's labels replace those by which pods are found", () => {
    const app = { app: "other" };
    const { daemonSet } = render({
      linux: { podLabels: app },
      [driver]: { commonLabels: app, linux: { podLabels: app } },
    });
    expect(daemonSet.spec?.template.metadata?.labels).toMatchObject({ app: "secrets-store-csi-driver" });
  });
});

test("commonLabels do not replace those that an object needs", () => {
  const profile = "security.openshift.io/csi-ephemeral-volume-profile";
  const joins = ["admin", "edit", "view"].map((role) => `rbac.authorization.k8s.io/aggregate-to-${role}`);
  const commonLabels = Object.fromEntries([profile, ...joins].map((name) => [name, "other"]));
  const { csiDriver, get } = render({ [driver]: { commonLabels } });
  expect(csiDriver.metadata?.labels?.[profile]).toBe("restricted");
  const joined = (name: string): unknown[] => joins.map((join) => get("ClusterRole", name).metadata?.labels?.[join]);
  expect(joined("secretproviderclasses-admin-role")).toEqual(["true", "true", "other"]);
  expect(joined("secretproviderclasses-viewer-role")).toEqual(["other", "other", "true"]);
  expect(joined("secretproviderclasspodstatuses-viewer-role")).toEqual(["other", "other", "true"]);
});

interface Schema {
  readonly properties?: Schemas;
  readonly definitions?: Schemas;
  readonly $ref?: string;
}

type Schemas = Readonly<Record<string, Schema>>;

/** Paths of what a schema describes, references followed. */
function schemaKeys({ properties = {} }: Schema, definitions: Schemas = {}, prefix = ""): string[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const meant = definitions[schema.$ref?.replace("#/definitions/", "") ?? ""] ?? schema;
    const path = `${prefix}${name}`;
    return meant.properties ? schemaKeys(meant, definitions, `${path}.`) : [path];
  });
}

/** Paths in a tree of values down to those that are known, or to what is no map. */
function leaves(value: unknown, known: ReadonlySet<string>, path = ""): string[] {
  if (known.has(path) || typeof value !== "object" || value === null || Array.isArray(value)) return [path];
  const prefix = path === "" ? "" : `${path}.`;
  return Object.entries(value).flatMap(([name, inner]) => leaves(inner, known, `${prefix}${name}`));
}

function cpuLimit({ container }: Rendered): unknown {
  return container.resources?.limits?.["cpu"];
}

/** The label `team` of the one object of a kind. */
function hookTemplate(get: Rendered["get"]): V1PodTemplateSpec | undefined {
  return get("Job", "secrets-store-csi-driver-upgrade-crds").spec?.template;
}

function labelOf(objects: Rendered["objects"], wanted: string): string | undefined {
  return objects.find(({ kind }) => kind === wanted)?.metadata?.labels?.["team"];
}

function labelled(objects: Rendered["objects"], name: string): boolean {
  return objects
    .filter(({ kind }) => kind !== "CustomResourceDefinition")
    .every(({ metadata }) => metadata?.labels?.[name] !== undefined);
}
