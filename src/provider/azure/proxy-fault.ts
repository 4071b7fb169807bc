import type { Proxy } from "./proxy.ts";
import { isTlsCode, tlsFault } from "./tls-fault.ts";
import { PROXY_TLS, TUNNEL_REFUSED } from "./tunnel.ts";

/** What failed on the way to a host through a proxy: a code, and the message, which is told only of the tunnel's own codes. */
export interface ProxiedFailure {
  readonly proxy: Proxy;
  readonly host: string;
  readonly code: string;
  readonly message: string;
}

/** One line about it, that says whether to look at the proxy or behind it. */
export function proxyFault({ proxy, host, code, message }: ProxiedFailure): string {
  const name = `the proxy ${proxy.name}`;
  if (code === TUNNEL_REFUSED) return `${name} ${refusal(statusOf(message), host, proxy.variable)}`;
  if (code === PROXY_TLS) return tlsFault(name, codeOf(message), "give this plugin its CA by SSL_CERT_FILE");
  // Names of hosts are the proxy's to resolve; the one that this process resolves is the proxy's own.
  if (/^(ENOTFOUND|EAI_)/.test(code)) return `${name} does not resolve (${code}): correct ${proxy.variable}`;
  if (/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)$/.test(code))
    return `${name} cannot be reached (${code}): correct ${proxy.variable}, or check the network between this node and it`;
  if (isTlsCode(code)) return tlsFault(`${host}, through ${name},`, code, caRemedy);
  return `the connection to ${host} through ${name} broke (${code}): check the proxy, and the network between this node and it`;
}

const caRemedy = "if the proxy opens TLS, give this plugin the proxy's CA by SSL_CERT_FILE";

function refusal(status: number | undefined, host: string, variable: string): string {
  if (status === undefined) return `does not connect to ${host}: correct ${variable}, or check the proxy`;
  if (status === 407)
    return `wants credentials or refuses those it got (HTTP 407): correct user and password in ${variable}`;
  if (status >= 500)
    return `cannot reach ${host} (HTTP ${status}): check that name, and whether the proxy resolves and reaches it`;
  return `refuses to connect to ${host} (HTTP ${status}): allow it there, or name it in NO_PROXY`;
}

function statusOf(message: string): number | undefined {
  const [, digits] = /^HTTP (\d{3})$/.exec(message) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

function codeOf(message: string): string {
  return /^[A-Z0-9_]{1,64}$/.test(message) ? message : "TLS";
}
