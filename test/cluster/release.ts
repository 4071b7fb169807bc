import { run } from "./shell.ts";

export const releaseNamespace = "kube-system";
/** What Helm calls the release. */
export const helmRelease = "azure-keyvault-csi";

/** The ConfigMap with the emulator's CA and addresses. */
export const emulatorMap = "azure-keyvault-csi-test-emulator";

/** How a container finds the emulator and trusts it: by what any user could set. */
export const wayToEmulator = {
  env: [{ name: "NODE_EXTRA_CA_CERTS", value: "/emulator/ca.pem" }],
  volumes: [{ name: "emulator", configMap: { name: emulatorMap } }],
  volumeMounts: [
    { name: "emulator", mountPath: "/emulator", readOnly: true },
    { name: "emulator", mountPath: "/etc/hosts", subPath: "hosts", readOnly: true },
  ],
};

/** Installs the chart, or brings the release to these settings, and waits until every node's plugin is ready. */
export async function install(valuesFile: string, settings: readonly string[] = [], timeout = "3m"): Promise<void> {
  const set = settings.flatMap((setting) => ["--set", setting]);
  const options = ["--namespace", releaseNamespace, "--values", valuesFile, "--wait", "--timeout", timeout, ...set];
  await run(["helm", "upgrade", "--install", helmRelease, "charts/azure-keyvault-csi", ...options]);
  // Helm waits for all but maxUnavailable of the nodes, which may be none.
  await run([
    "kubectl",
    "rollout",
    "status",
    "-n",
    releaseNamespace,
    "daemonset/secrets-store-csi-driver",
    "--timeout=3m",
  ]);
}

/** Uninstalls the release, and waits until no plugin runs any more. */
export async function uninstall(): Promise<void> {
  await run(["helm", "uninstall", helmRelease, "--namespace", releaseNamespace, "--wait", "--timeout", "2m"]);
  const pods = ["pod", "-n", releaseNamespace, "-l", "app=secrets-store-csi-driver"];
  await run(["kubectl", "wait", "--for=delete", ...pods, "--timeout=120s"]);
}

export async function isInstalled(): Promise<boolean> {
  const names = await run(["helm", "list", "--namespace", releaseNamespace, "--filter", `^${helmRelease}$`, "--short"]);
  return names.trim() === helmRelease;
}
