import type { Handler } from "./listener.ts";

/** The token service of Azure's public cloud. */
export const publicLogin = "login.microsoftonline.com";

/** Whether a host is a vault of Azure's public cloud. */
export function isPublicVault(host: string): boolean {
  return host.endsWith(".vault.azure.net");
}

/** Azure's public cloud behind one address: who is meant is told by the host that a client names. */
export function publicCloud(login: Handler, vaults: Handler): Handler {
  return (request, connection) => {
    const { hostname } = new URL(request.url);
    if (hostname === publicLogin) return login(request, connection);
    return isPublicVault(hostname) ? vaults(request, connection) : new Response("no such host", { status: 421 });
  };
}
