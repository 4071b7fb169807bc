import { takeProxyVariables } from "../process/proxy-variables.ts";
import type { AzureProviderOptions } from "../provider/azure/provider.ts";
import { API_SERVER, type AzureFlags } from "./azure-flags.ts";
import { buildInfo } from "./build-info.ts";

/** What the Azure provider is told by flags and environment, whoever asks it. */
export function azureOptions(
  flags: AzureFlags,
  env: NodeJS.ProcessEnv,
): Omit<AzureProviderOptions, "userAgent" | "metrics"> {
  return {
    cloudName: flags["cloud-name"],
    cloudEnvFile: env["AZURE_ENVIRONMENT_FILEPATH"],
    constructPemChain: flags["construct-pem-chain"],
    writeCertAndKeyInSeparateFiles: flags["write-cert-and-key-in-separate-files"],
    proxyEnv: takeProxyVariables(env),
    env,
    tokenProxy: {
      url: flags["token-proxy-url"],
      sniName: flags["sni-name"],
      caFile: flags["token-proxy-ca-file"],
      apiServer: { host: API_SERVER, port: Number(env["KUBERNETES_SERVICE_PORT"] ?? 443) },
    },
    nmiUrl: `http://localhost:${flags["nmi-port"]}`,
  };
}

/** Who asks, in the established form; operators may add words of their own. */
export function userAgentOf(custom = ""): string {
  const { BuildVersion, GitCommit } = buildInfo;
  const own = `csi-secrets-store/${BuildVersion} (${process.platform}/${process.arch})`;
  return [own, GitCommit, custom].filter((word) => word !== "").join(" ");
}
