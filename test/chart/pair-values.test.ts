import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "vitest";
import { chartDir, defined, evaluate, render, renderNotes, renderObjects, version, type Rendered } from "./helm.ts";
import { keys, otherValue, valuesFor, type Key } from "./keys.ts";
import { nested } from "./provider-rows.ts";

const driver = "secrets-store-csi-driver";
const named = (key: Key): [string, Key] => [key.key, key];
const shown = keys.filter(({ shows }) => shows).map(named);
const unused = keys.filter(({ unused: why }) => why !== undefined).map(named);
const alone = keys.filter(({ alone: why }) => why !== undefined).map(named);

describe("each key has its effect, or is named as without meaning", () => {
  test("and no other entry is in the list", () => {
    const neither = keys.filter(({ shows, unused: why }) => (shows === undefined) === (why === undefined));
    expect(neither.map(({ key }) => key)).toEqual([
      "monitoring.alertRules.staleAfterSeconds",
      "extension.clusterName",
      "extension.resourceGroup",
      "extension.subscription",
      "extension.type",
      "extension.releaseTrain",
      "extension.autoUpgradeMinorVersion",
      "extension.protectedSettings",
      "windows.acknowledgeUnsupported",
    ]);
    expect(neither.filter((key) => "pair" in key)).toEqual([]);
  });

  test.each(shown)("%s shows", (_, key) => {
    const { before, after } = valuesFor(key);
    expect(shows(key, before)).toBe(false);
    expect(shows(key, after)).toBe(true);
  });

  test.each(unused)("%s is in NOTES.txt, and nothing else comes of it", (name, key) => {
    const values = nested(name, otherValue(key));
    expect(withoutMeaning(values)).toEqual([`${name}: ${defined(key.unused, "a reason")}`]);
    expect(renderObjects(values).objects).toEqual(defaults);
  });

  test.each(alone)("%s is in NOTES.txt where the plugin runs", (name, key) => {
    const values = nested(name, otherValue(key));
    expect(withoutMeaning(values)).toEqual([`${name}: ${defined(key.alone, "a reason")}`]);
    expect(renderObjects(values).objects).toEqual(defaults);
  });
});

const defaults = renderObjects({}).objects;

describe("the pair's values as they are", () => {
  const copied = (also: boolean): Record<string, unknown> => {
    const values: Record<string, unknown> = {};
    for (const entry of keys.filter((key) => "pair" in key))
      set(values, entry.key, also && "pairAlso" in entry ? entry.pairAlso : entry.pair);
    return values;
  };

  test.each([false, true])("are taken, and nothing is said of them but of the image (driver's own: %s)", (also) => {
    expect(withoutMeaning(copied(also))).toEqual([
      expect.stringMatching(/^linux.image: .*provider-azure is the pair's/),
    ]);
  });

  test("give our image, port of metrics and rotation, and resources for both", () => {
    const { container, args } = render(copied(false));
    expect(container.image).toBe(render().container.image);
    expect(args).toContain("--metrics-addr=:8898");
    expect(container.resources).toEqual({
      requests: { cpu: "100m", memory: "200Mi" },
      limits: { cpu: "250m", memory: "300Mi" },
    });
  });
});

describe("what only the pair has is as if not set:", () => {
  test("its tag, at our image", () => {
    const repository = "r.example/akv";
    const values = { linux: { image: { repository, tag: "v1.8.2" } } };
    expect(render(values).container.image).toBe(`${repository}:${version}`);
    expect(withoutMeaning(values)).toEqual([
      expect.stringMatching(/^linux\.image\.tag: v1\.8\.2 is that of the pair's/),
    ]);
  });

  test.each([
    ["8080", {}, "8898"],
    ["8095", { metricsAddr: ":9100" }, "9100"],
    ["9200", {}, "9200"],
  ])("its port of metrics among annotations: %s", (port, linux, scraped) => {
    const name = "prometheus.io/port";
    const { daemonSet } = render({ [driver]: { linux: { ...linux, podAnnotations: { [name]: port } } } });
    expect(daemonSet.spec?.template.metadata?.annotations?.[name]).toBe(scraped);
  });
});

describe("of what both halves name alike, the driver's rules and the provider's is named:", () => {
  test.each([
    ["env", { name: "A", value: "above" }, { name: "A", value: "below" }, "A"],
    ["volumes", { name: "v", emptyDir: {} }, { name: "v", configMap: { name: "c" } }, "v"],
    ["volumeMounts", { name: "v", mountPath: "/m" }, { name: "w", mountPath: "/m" }, "/m"],
  ])("%s", (list, above, below, name) => {
    const values = { linux: { [list]: [above] }, [driver]: { linux: { [list]: [below] } } };
    const { pod, container } = render(values);
    const items: readonly unknown[] = [
      ...(pod.volumes ?? []),
      ...(container.volumeMounts ?? []),
      ...(container.env ?? []),
    ];
    expect(items).toContainEqual(below);
    expect(items).not.toContainEqual(above);
    expect(withoutMeaning(values)).toEqual([
      `linux.${list}: of what both have (${name}), ${driver}.linux.${list} rules`,
    ]);
  });
});

test("a chart that has this one in it, under another name, gets the same image", () => {
  const directory = mkdtempSync(join(tmpdir(), "akv-umbrella-"));
  try {
    cpSync(chartDir, join(directory, "charts/azure-keyvault-csi"), { recursive: true });
    const alias = "csi-secrets-store-provider-azure";
    const dependency = { name: "azure-keyvault-csi", version, alias };
    const chart = { apiVersion: "v2", name: "umbrella", version: "1.0.0", dependencies: [dependency] };
    writeFileSync(join(directory, "Chart.yaml"), JSON.stringify(chart));
    const copied = { linux: { image: { repository: "mcr.example/provider-azure" } } };
    const { container } = render({ global: { a: "b" }, [alias]: copied }, { chart: directory });
    expect(container.image).toBe(`azure-keyvault-csi:${version}`);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

describe("resources", () => {
  test.each([
    ["50m", 1, "1050m"],
    [1, "0.5", "1.5"],
    ["128Mi", "1Gi", "1207959552"],
    ["100Mi", "100Mi", "200Mi"],
  ])("%s and %s are %s", (above, below, sum) => {
    const of = (memory: unknown): unknown => ({ requests: { memory } });
    const { container } = render({
      linux: { resources: of(above) },
      [driver]: { linux: { driver: { resources: of(below) } } },
    });
    expect(container.resources?.requests?.["memory"]).toBe(sum);
  });

  test("are not limited by the provider's half alone", () => {
    const { container } = render({ linux: { resources: { limits: { cpu: "50m" } } } });
    expect(container.resources?.limits).toEqual({ memory: "192Mi" });
  });

  test("that cannot be added are refused", () => {
    const values = { linux: { resources: { limits: { memory: "1Zi" } } } };
    expect(() => render(values)).toThrow("1Zi cannot be added to other resources");
  });
});

describe("a provider's key that loses is named", () => {
  test.each([
    ["priorityClassName", "a", "b"],
    ["nodeSelector", { a: "x" }, { a: "y" }],
    ["tolerations", [{ key: "a" }], []],
  ])("%s", (name, above, below) => {
    const half = (value: unknown): unknown => ({ linux: { [name]: value } });
    const line = `linux.${name}: where they differ, ${driver}.linux.${name} rules`;
    expect(withoutMeaning({ linux: { [name]: above }, [driver]: half(below) })).toEqual([line]);
    expect(withoutMeaning({ linux: { [name]: above } })).toEqual([]);
    expect(withoutMeaning({ [driver]: half(below) })).toEqual([]);
    expect(withoutMeaning({ linux: { [name]: above }, [driver]: half(above) })).toEqual([]);
  });
});

describe("a key that nothing reads is refused, with the key that was meant:", () => {
  test.each([
    ["linux.toleratons", "linux.tolerations is"],
    ["logverbosity", "logVerbosity is"],
    ["enableSecretRotation", `${driver}.enableSecretRotation is`],
    [`${driver}.enabledSecretRotation`, `${driver}.enableSecretRotation is`],
    [`${driver}.syncSecrets.enabled`, `${driver}.syncSecret is`],
    ["secret-store-csi-driver.install", `${driver} is`],
    [`${driver}.linux.driver.resource`, `${driver}.linux.driver.resources is`],
    ["windows.tolerances", "windows.tolerations is"],
    ["provider", `${driver}.install=false installs the provider alone`],
    ["qqq", "docs/values.md lists them"],
  ])("%s", (name, meant) => {
    const wrong = name.replace(/(syncSecrets|secret-store-csi-driver)\..*/, "$1");
    expect(() => render(nested(name, {}))).toThrow(`${wrong} is no key of this chart: ${meant}`);
  });

  test("all at once", () => {
    expect(() => render({ one: 1, linux: { two: 2 } })).toThrow(/\nlinux\.two is no key[^\n]*\none is no key/);
  });

  test("a name with dots in a file", () => {
    expect(() => render({ [`${driver}.enableSecretRotation`]: true })).toThrow("is one name with dots in it");
  });
});

describe("windows.enabled", () => {
  const refuse = (os: string): string =>
    `include "akv.refuseWindowsNodes" (list . (list (dict "metadata" (dict "name" "n" "labels" (dict "kubernetes.io/os" "${os}")))))`;

  test.each([["windows"], [`${driver}.windows`]])("fails no release where the nodes are not known: %s", (name) => {
    expect(renderObjects(nested(`${name}.enabled`, true)).objects).toEqual(defaults);
  });

  test("is refused where nodes run Windows, with the remedy", () => {
    expect(() => evaluate(refuse("windows"))).toThrow(/node n runs Windows.*windows\.acknowledgeUnsupported=true/);
    expect(evaluate(refuse("linux"))).toBe("");
  });
});

test("Arc's proxy is not used where Arc does not say so", () => {
  const Azure = { proxySettings: { isProxyEnabled: true, httpsProxy: "http://p" } };
  expect(render({ Azure }).container.envFrom).toBeUndefined();
  expect(render({ Azure, enableArcExtension: "true" }).container.envFrom).toHaveLength(1);
});

test("Arc's certificate is trusted, and another proxy rolls the pods", () => {
  const annotations = (proxyCert: string): [Rendered, unknown] => {
    const it = render({ enableArcExtension: true, Azure: { proxySettings: { isProxyEnabled: true, proxyCert } } });
    return [it, it.daemonSet.spec?.template.metadata?.annotations?.["checksum/arc-proxy"]];
  };
  const [first, sum] = annotations("one");
  expect(first.container.env).toContainEqual({
    name: "NODE_EXTRA_CA_CERTS",
    value: "/etc/azure-keyvault-csi/proxy/proxy-cert.crt",
  });
  expect(first.pod.volumes).toContainEqual({ name: "arc-proxy-cert", secret: { secretName: "arc-proxy-cert" } });
  expect(annotations("two")[1]).not.toBe(sum);
});

test.each([
  [true, driver],
  [false, "csi-secrets-store-provider-azure"],
])("OpenShift lets the pods use the node's directories (install: %s)", (install, name) => {
  const values = { [driver]: { install } };
  const bound = (apiVersions: readonly string[]): unknown =>
    renderObjects(values, { apiVersions }).objects.find(({ kind }) => kind === "RoleBinding");
  expect(bound([])).toBeUndefined();
  expect(bound(["security.openshift.io/v1"])).toMatchObject({
    roleRef: { kind: "ClusterRole", name: "system:openshift:scc:privileged" },
    subjects: [{ kind: "ServiceAccount", name, namespace: "kube-system" }],
  });
});

/** The lines of NOTES.txt about what was set in vain. */
function withoutMeaning(values: Record<string, unknown>): readonly string[] {
  const [, section = ""] = renderNotes(values).split("\nWithout meaning here, of what you set:\n");
  return section
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** Whether the manifests say what the key's entry says. */
function shows(key: Key, values: Record<string, unknown>): boolean {
  const { in: kind, at, is } = defined(key.shows, "what it shows");
  const of = renderObjects(values).objects.filter((object) => object.kind === kind);
  if (is === null) return of.length === 0;
  return of.some((object) => {
    const found = at
      .split(".")
      .reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], object);
    const same = (value: unknown): boolean => isDeepStrictEqual(value, is);
    return same(found) || (Array.isArray(found) && found.some(same));
  });
}

function set(values: Record<string, unknown>, key: string, value: unknown): void {
  const names = key.split(".");
  const last = defined(names.pop(), "a name");
  let at = values;
  for (const name of names) at = (at[name] ??= {}) as Record<string, unknown>;
  at[last] = value;
}
