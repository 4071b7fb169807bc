import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { DriverError } from "../errors.ts";
import { formatAddress, type Address } from "../formats/address.ts";

/** What a path answers. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly contentType?: string;
}

export type Routes = Readonly<Record<string, () => Promise<Answer>>>;

export interface HttpServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** The metrics port may be open to the network: strangers share this many connections. */
const MOST_CONNECTIONS = 64;
/** A request has no body and a handful of headers. */
const REQUEST_LIMIT_MS = 10_000;

/** Plain HTTP for probes and scrapers. Throws InvalidRequest when the address cannot be had. */
export async function serveHttp(address: Address, routes: Routes): Promise<HttpServer> {
  const server = createServer(
    { requestTimeout: REQUEST_LIMIT_MS, headersTimeout: REQUEST_LIMIT_MS },
    (request, response) => {
      void respond(request, response, routes);
    },
  );
  server.maxConnections = MOST_CONNECTIONS;
  await bind(server, address);
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const remedies: Readonly<Record<string, string>> = {
  EADDRINUSE: "something on this node listens there: choose another",
  EADDRNOTAVAIL: "this node does not have that address: leave it out, or correct it",
  EACCES: "that port takes a right that the process lacks: choose one above 1023",
};

async function bind(server: Server, address: Address): Promise<void> {
  server.listen(address);
  await once(server, "listening").catch((cause: unknown) => {
    const { code = "unknown" } = cause as NodeJS.ErrnoException;
    const remedy = remedies[code] ?? code;
    throw new DriverError("InvalidRequest", `cannot listen on ${formatAddress(address)}: ${remedy}`, { cause });
  });
}

async function respond({ method, url = "" }: IncomingMessage, response: ServerResponse, routes: Routes): Promise<void> {
  const { status, text, contentType = "text/plain; charset=utf-8" } = await answerTo(method, url, routes);
  response.writeHead(status, { "content-type": contentType, "content-length": Buffer.byteLength(text) });
  response.end(method === "HEAD" ? undefined : text);
}

async function answerTo(method: string | undefined, url: string, routes: Routes): Promise<Answer> {
  const path = url.split("?", 1)[0] ?? "";
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (route === undefined) return { status: 404, text: "not found\n" };
  if (method !== "GET" && method !== "HEAD") return { status: 405, text: "only GET\n" };
  return route().catch(() => ({ status: 500, text: "internal error\n" }));
}
