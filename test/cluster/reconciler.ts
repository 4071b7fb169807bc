import { cluster } from "./cluster.ts";
import { kubectl, list, type Pod } from "./kubectl.ts";
import { releaseNamespace } from "./release.ts";
import { readMetrics } from "./rights.ts";

/** The reconciler's pod. */
export async function reconcilerPod(): Promise<Pod> {
  const pods = await list<Pod>("pods", "-n", releaseNamespace, "-l", "app=azure-keyvault-csi-reconciler");
  const [found] = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  if (found === undefined) throw new Error("no reconciler runs");
  return found;
}

/** The sum of a metric of the reconciler over its labels. */
export async function total(metric: string): Promise<number> {
  const text = await readMetrics(cluster.proxyPort, (await reconcilerPod()).metadata.name);
  const samples = text.matchAll(new RegExp(`^${metric}(\\{.*\\})? (\\d+)$`, "gm"));
  return [...samples].reduce((sum, [, , value]) => sum + Number(value), 0);
}

/** How often the containers of the plugin and of the reconciler have been started again. */
export async function restarts(): Promise<readonly string[]> {
  const selector = "app in (secrets-store-csi-driver,azure-keyvault-csi-reconciler)";
  const path = "jsonpath={range .items[*]}{.metadata.name} {.status.containerStatuses[*].restartCount}{'\\n'}{end}";
  return (await kubectl("get", "pods", "-n", releaseNamespace, "-l", selector, "-o", path)).trim().split("\n");
}
