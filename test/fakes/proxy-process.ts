/**
 * An HTTP proxy for CONNECT, a process of its own: `node proxy-process.ts '<ProxyOptions as JSON>'`. Prints its port;
 * GET / tells the targets that it was asked for, as a JSON list.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect, type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls, TLSSocket } from "node:tls";
import type { ProxyOptions } from "./proxy.ts";

const { credentials, status, unresolved, tls, ports, intercept } = JSON.parse(process.argv[2] ?? "{}") as ProxyOptions;
const wanted = credentials && `Basic ${Buffer.from(credentials).toString("base64")}`;
const targets: string[] = [];

const tell = (_: IncomingMessage, response: ServerResponse): unknown => response.end(JSON.stringify(targets));
const server = tls ? createTlsServer(tls, tell) : createServer(tell);
server.on("connect", (request: IncomingMessage, client: Duplex) => {
  const target = request.url ?? "";
  targets.push(target);
  client.on("error", () => client.destroy());
  const refused = refusalOf(request, target);
  if (refused === "never") return;
  if (refused !== undefined) {
    answer(client, refused);
    return;
  }
  client.write("HTTP/1.1 200 Connection established\r\n\r\n");
  join(intercept ? open(client, intercept) : client, reach(target));
});
server.listen(0, "127.0.0.1", () => {
  console.log((server.address() as AddressInfo).port);
});

function refusalOf({ headers }: IncomingMessage, target: string): ProxyOptions["status"] {
  if (wanted && headers["proxy-authorization"] !== wanted) return 407;
  return unresolved && target.includes(`.${unresolved}:`) ? 503 : status;
}

/** A body and a reason that may hold anything. */
function answer(client: Duplex, refused: number | { readonly raw: string }): void {
  const text = typeof refused === "number" ? `HTTP/1.1 ${refused} because hunter2\r\n\r\nhunter2` : refused.raw;
  client.end(text);
}

/** TLS with the client, by the proxy's own certificate. */
function open(client: Duplex, { cert, key }: { cert: string; key: string }): Duplex {
  return new TLSSocket(client, { isServer: true, cert, key });
}

/** All hosts of the tests are here. */
function reach(target: string): Duplex {
  const [host = "", asked] = target.split(":");
  const port = ports?.[host.startsWith("login.") ? "login" : "vault"] ?? Number(asked);
  const to = { host: "127.0.0.1", port };
  return intercept ? connectTls({ ...to, servername: "localhost", ca: intercept.ca }) : connect(to);
}

function join(one: Duplex, other: Duplex): void {
  for (const end of [one, other]) {
    end
      .on("error", () => undefined)
      .on("close", () => {
        one.destroy();
        other.destroy();
      });
  }
  one.pipe(other).pipe(one);
}
