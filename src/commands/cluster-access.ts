import { DriverError } from "../errors.ts";
import type { ClusterAccess } from "../kube/access.ts";
import { createInClusterAccess, SERVICE_ACCOUNT_DIR, type InClusterOptions } from "../kube/in-cluster.ts";

/** In the order of the established driver: the flag, $KUBECONFIG, the pod's service account. */
export async function clusterAccess(
  flag: string,
  env: NodeJS.ProcessEnv,
  options: Pick<InClusterOptions, "mostConnections"> = {},
): Promise<ClusterAccess> {
  const kubeconfig = flag || env["KUBECONFIG"];
  if (kubeconfig) return (await import("../kube/kubeconfig.ts")).createKubeconfigAccess(kubeconfig);
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = "443" } = env;
  if (!host)
    throw new DriverError("InvalidRequest", "there is no Kubernetes cluster: run in a pod, or set --kubeconfig");
  const access = createInClusterAccess({ host, port, ...options });
  await access.authorize().catch((cause: unknown) => {
    const remedy = "set automountServiceAccountToken, or mount a token there";
    throw new DriverError("InvalidRequest", `there is no service account in ${SERVICE_ACCOUNT_DIR}: ${remedy}`, {
      cause,
    });
  });
  return access;
}
