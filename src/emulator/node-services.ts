import { join } from "node:path";
import type { EmulatorSettings } from "./settings.ts";

/** How a plugin is told of the services that a node in Azure has: metadata service, aad-pod-identity, token proxy. */
export interface NodeServices {
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Those of the emulator in `dir`, by the names that resolve in its private namespace. */
export function nodeServices({ kubernetesUrl, nmiUrl, imdsUrl }: EmulatorSettings, dir: string): NodeServices {
  const { port } = new URL(kubernetesUrl);
  return {
    flags: [
      `--nmi-port=${new URL(nmiUrl).port}`,
      `--token-proxy-url=https://kubernetes.default.svc.cluster.local:${port}`,
      `--token-proxy-ca-file=${join(dir, "serviceaccount/ca.crt")}`,
    ],
    env: { AZURE_POD_IDENTITY_AUTHORITY_HOST: imdsUrl, KUBERNETES_SERVICE_PORT: port },
  };
}
