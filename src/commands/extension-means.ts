import { createReleases } from "../helm/releases.ts";
import type { Chart } from "../extension/catalogue.ts";
import type { Means } from "../extension/operations.ts";
import type { KubernetesApi } from "../kube/api.ts";
import { createDriverPods } from "../kube/driver-pods.ts";
import { createRollouts } from "../kube/rollouts.ts";
import { userAgentOf } from "./azure-options.ts";
import { readChart } from "./extension-chart.ts";
import type { ExtensionOptions } from "./extension-options.ts";

export interface ExtensionMeans extends Means {
  readonly chart: Chart;
}

/** The cluster, Helm and the chart. Nobody is asked yet. */
export async function connect(
  options: Pick<ExtensionOptions, "kubeconfig" | "kubeContext">,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<ExtensionMeans> {
  const chart = await readChart();
  const api = createLazyApi(options);
  return {
    chart,
    releases: createReleases({ ...options, env, chart: chart.directory }),
    pods: createDriverPods(api),
    rollouts: createRollouts(api, { limitMs: 600_000, everyMs: 1_000 }),
    progress: (text) => {
      if (process.stderr.isTTY) console.error(text);
    },
    signal,
  };
}

/** What reads a kubeconfig takes long to load; `show` and `list` ask Helm alone. */
function createLazyApi({
  kubeconfig,
  kubeContext,
}: Pick<ExtensionOptions, "kubeconfig" | "kubeContext">): KubernetesApi {
  let made: Promise<KubernetesApi> | undefined;
  const make = async (): Promise<KubernetesApi> => {
    const [{ createKubeconfigAccess }, { createKubernetesApi }] = await Promise.all([
      import("../kube/kubeconfig.ts"),
      import("../kube/api.ts"),
    ]);
    return createKubernetesApi(createKubeconfigAccess(kubeconfig, kubeContext), userAgentOf());
  };
  return { call: async (request, signal) => (await (made ??= make())).call(request, signal) };
}
