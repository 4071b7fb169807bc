import type { RenderedDaemonSet } from "./helm.ts";

type ProviderRow = readonly [
  key: string,
  value: unknown,
  effect: (rendered: RenderedDaemonSet) => unknown,
  expected: unknown,
];

/** The keys that say something where the provider runs alone, and where it shows. */
export function providerRows(): readonly ProviderRow[] {
  return [
    ["metricsAddr", "127.0.0.1:9100", ({ args }) => args.includes("--prometheus-port=127.0.0.1:9100"), true],
    ["rbac.install", false, ({ objects }) => objects.some(({ kind }) => kind === "ServiceAccount"), false],
    ["linux.providersDir", "/p", ({ pod }) => pod.volumes?.[0]?.hostPath?.path, "/p"],
    ["linux.healthzPort", 9000, ({ args }) => args.includes("--healthz-port=127.0.0.1:9000"), true],
    ["linux.healthzPath", "/live", ({ container }) => container.livenessProbe?.httpGet?.path, "/live"],
    ["linux.healthzTimeout", "9s", ({ args }) => args.includes("--healthz-timeout=9s"), true],
    ["linux.customUserAgent", "aks/1 (x)", ({ args }) => args.includes("--custom-user-agent=aks/1 (x)"), true],
    ["linux.privileged", true, ({ container }) => container.securityContext?.privileged, true],
    ["linux.resources", { limits: { cpu: 1 } }, ({ container }) => container.resources?.limits?.["cpu"], 1],
    [
      "secrets-store-csi-driver.install",
      false,
      ({ daemonSet }) => daemonSet.metadata?.name,
      "csi-secrets-store-provider-azure",
    ],
  ];
}

/** `nested("a.b", 1)` is `{ a: { b: 1 } }`. */
export function nested(key: string, value: unknown): Record<string, unknown> {
  return key.split(".").reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as Record<string, unknown>;
}
