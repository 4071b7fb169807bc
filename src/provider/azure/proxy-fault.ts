import type { Proxy } from "./proxy.ts";

/** What failed on the way to a host through a proxy: Node's code, and its message, of which only a status is told. */
export interface ProxiedFailure {
  readonly proxy: Proxy;
  readonly host: string;
  readonly code: string;
  readonly message: string;
}

/** One line about it, that says whether to look at the proxy or behind it. */
export function proxyFault({ proxy, host, code, message }: ProxiedFailure): string {
  const name = `the proxy ${proxy.name}`;
  if (code === "ERR_PROXY_TUNNEL") return `${name} ${refusal(statusOf(message), host, proxy.variable)}`;
  // Names of hosts are the proxy's to resolve; the one that this process resolves is the proxy's own.
  if (/^(ENOTFOUND|EAI_)/.test(code)) return `${name} does not resolve (${code}): correct ${proxy.variable}`;
  if (/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)$/.test(code))
    return `${name} cannot be reached (${code}): correct ${proxy.variable}, or check the network between this node and it`;
  if (/CERT|SIGNATURE|ISSUER|^ERR_TLS|^ERR_SSL/.test(code))
    return `the certificate of ${host}, through ${name}, is not trusted (${code}): if the proxy opens TLS, give this plugin the proxy's CA by SSL_CERT_FILE`;
  return `the connection to ${host} through ${name} broke (${code}): check the proxy, and the network between this node and it`;
}

function refusal(status: number | undefined, host: string, variable: string): string {
  if (status === undefined) return `does not connect to ${host}: correct ${variable}, or check the proxy`;
  if (status === 407)
    return `wants credentials or refuses those it got (HTTP 407): correct user and password in ${variable}`;
  if (status >= 500)
    return `cannot reach ${host} (HTTP ${status}): check that name, and whether the proxy resolves and reaches it`;
  return `refuses to connect to ${host} (HTTP ${status}): allow it there, or name it in NO_PROXY`;
}

/** The message ends in the proxy's status line, of which the number is taken. */
function statusOf(message: string): number | undefined {
  const [, digits] = /: HTTP\/1\.[01] (\d{3})(?!\d)/.exec(message) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
