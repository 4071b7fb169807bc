import { createHash } from "node:crypto";

/** Who issues the service account tokens of the emulated cluster. */
export const clusterIssuer = "https://kubernetes.default.svc.cluster.local";

/** Who the emulated API server is to TLS clients; by the second name the token proxy is found, as on AKS. */
export function apiServerNames(clusterId: string): readonly string[] {
  return [
    "kubernetes.default.svc.cluster.local",
    `hcp-kubernetes.${clusterId}.svc.cluster.local`,
    "localhost",
    "127.0.0.1",
  ];
}

/** What the name of any cluster's token proxy ends with. */
export const proxyDomain = ".ests.aks";

/** The name of a cluster's token proxy: "a" and the digest of the cluster's id in base32 with the digits first. */
export function tokenProxyName(clusterId: string): string {
  const digest = createHash("sha256").update(`identity-binding${clusterId}`).digest("hex");
  return `a${base32Hex(digest)}${proxyDomain}`;
}

/** Without padding: 256 bits are 51 letters of 5 bits, and one more of the bit that is left. */
function base32Hex(hex: string): string {
  const length = Math.ceil((hex.length * 4) / 5);
  const spareBits = BigInt(length * 5 - hex.length * 4);
  return (BigInt(`0x${hex}`) << spareBits).toString(32).padStart(length, "0");
}
