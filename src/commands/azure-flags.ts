import { flag, switchFlag, type FlagValues } from "../formats/flags.ts";
import { isCloudName } from "../provider/azure/cloud.ts";
import { parseTokenProxyUrl } from "../provider/azure/token-proxy.ts";

/** Where the cluster's CA is in every pod. */
const CLUSTER_CA = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt";
/** The API server, by the name that every pod finds it under. */
export const API_SERVER = "kubernetes.default.svc.cluster.local";

/** Flags of the Azure provider; the established one's keep their names and defaults. */
export const azureFlags = {
  "cloud-name": flag("NAME", "the Azure cloud of classes that name none", "AzurePublicCloud", parseCloudName),
  "construct-pem-chain": switchFlag("order the certificates of a PFX from the leaf to the root", true),
  "write-cert-and-key-in-separate-files": switchFlag("write a certificate's secret as .crt and .key as well"),
  "token-proxy-url": {
    ...flag("URL", "AKS identity binding: the token proxy", parseProxyUrl(""), parseProxyUrl),
    shown: `https://${API_SERVER}`,
  },
  "sni-name": flag(
    "NAME",
    "AKS identity binding: the server name of the token proxy (default: from the API server's certificate)",
    "",
    String,
  ),
  "token-proxy-ca-file": flag("FILE", "AKS identity binding: who vouches for the token proxy", CLUSTER_CA, String),
  "nmi-port": flag("PORT", "pod identity: where aad-pod-identity listens on this node", 2579, parsePort),
};

export type AzureFlags = FlagValues<typeof azureFlags>;

/** Blank is the default, as in a class. */
function parseCloudName(text: string): string {
  if (text === "") return "AzurePublicCloud";
  if (!isCloudName(text))
    throw new Error(
      "must be AzurePublicCloud, AzureUSGovernmentCloud, AzureChinaCloud, AzureGermanCloud or AzureStackCloud",
    );
  return text;
}

/** Blank is the default, as with the established provider. */
function parseProxyUrl(text: string): URL {
  return parseTokenProxyUrl(text === "" ? `https://${API_SERVER}` : text);
}

function parsePort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) < 1 || Number(text) > 65_535)
    throw new Error("must be a port, 1 to 65535");
  return Number(text);
}
