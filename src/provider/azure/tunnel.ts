import { once } from "node:events";
import { request as sendRequest, type ClientRequest, type IncomingMessage } from "node:http";
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { Proxy } from "./proxy.ts";
import { isTlsCode } from "./tls-fault.ts";

export interface TunnelOptions {
  readonly proxy: Proxy;
  /** For the proxy's own name; those of the hosts are the proxy's to resolve. */
  readonly lookup: LookupFunction;
  readonly limitMs: number;
}

/** What a tunnel's failure is called where it is the proxy's; the message is an HTTP status (`HTTP 407`), or a code. */
export const TUNNEL_REFUSED = "PROXY_TUNNEL";
/** The TLS of an https:// proxy itself; the message is the code. */
export const PROXY_TLS = "PROXY_TLS";

/**
 * TLS with a host through a proxy (RFC 9110, 9.3.6). Not by Node's `proxyEnv`, which reads the answer of a proxy without any
 * limit, leaves refused connections open, and offers the TLS session of an https:// proxy to whoever answers behind it.
 * Nothing stays open where it fails; then it throws the error of connection or TLS, or one of the codes above.
 */
export async function openTunnel(to: ConnectionOptions, { proxy, lookup, limitMs }: TunnelOptions): Promise<TLSSocket> {
  const signal = AbortSignal.timeout(limitMs);
  const raw = quiet(connectToProxy(proxy, lookup));
  try {
    await askForTunnel(quiet(connectRequest(raw, targetOf(to), proxy)), signal);
    const secure = quiet(connectTls({ ...to, socket: raw }));
    await once(secure, "secureConnect", { signal });
    return secure;
  } catch (error) {
    raw.destroy();
    throw signal.aborted ? fault(TUNNEL_REFUSED, "timeout") : error;
  }
}

function connectToProxy({ isTls, host, port }: Proxy, lookup: LookupFunction): Socket {
  const to = { host, port, lookup };
  const socket = isTls ? connectTls({ ...to, ...(isIP(host) === 0 && { servername: host }) }) : connectTcp(to);
  return socket.setNoDelay();
}

function targetOf({ host = "", port = 443 }: ConnectionOptions): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

function connectRequest(raw: Socket, target: string, { authorization }: Proxy): ClientRequest {
  const headers = { host: target, connection: "keep-alive" };
  const credentials = authorization === undefined ? {} : { "proxy-authorization": authorization };
  return sendRequest({
    method: "CONNECT",
    path: target,
    headers: { ...headers, ...credentials },
    createConnection: () => raw,
  });
}

async function askForTunnel(request: ClientRequest, signal: AbortSignal): Promise<void> {
  const answered = once(request, "connect", { signal });
  request.end();
  const [{ statusCode = 0 }] = (await answered.catch((error: unknown) => {
    throw ofProxy(error);
  })) as [IncomingMessage];
  if (statusCode < 200 || statusCode > 299) throw fault(TUNNEL_REFUSED, `HTTP ${statusCode}`);
}

/** Before the tunnel stands, TLS and HTTP are those of the proxy itself. */
function ofProxy(error: unknown): unknown {
  const { code = "" } = error as NodeJS.ErrnoException;
  if (/^(HPE_.*|ECONNRESET|EPIPE)$/.test(code)) return fault(TUNNEL_REFUSED, code);
  return isTlsCode(code) ? fault(PROXY_TLS, code) : error;
}

/** Who waits hears of an error by itself; one that comes later must not end the process. */
function quiet<T extends Socket | ClientRequest>(stream: T): T {
  stream.on("error", () => undefined);
  return stream;
}

function fault(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
