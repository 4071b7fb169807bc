import { createServer as createHttpServer } from "node:http";
import type { Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { HttpBindings } from "@hono/node-server";
import type { ServerIdentity } from "./ca.ts";
import { createConnection, type Connection } from "./connection.ts";
import { holdConnections, type Network } from "./network.ts";

/** A server that is listening. */
export interface Listener {
  readonly port: number;
  stop(): Promise<void>;
}

/** What answers the requests of one listener. */
export type Handler = (request: Request, connection: Connection) => Response | Promise<Response>;

/** Where to listen, by default on 127.0.0.1; with an identity it is TLS. Port 0 takes any free one. */
export interface ListenOptions {
  readonly port: number;
  readonly address?: string;
  readonly identity?: ServerIdentity;
  /** What a new connection has to cross; nothing by default. */
  readonly network?: Network;
}

/** Starts to serve. */
export async function listen(handler: Handler, options: ListenOptions): Promise<Listener> {
  const { port, identity, address = "127.0.0.1", network } = options;
  const sockets = new Set<Socket>();
  const server = createAdaptorServer({
    fetch: (request, env) => handler(request, connectionOf(env as HttpBindings, sockets)),
    overrideGlobalObjects: false,
    ...(identity
      ? { createServer: createHttpsServer, serverOptions: { cert: identity.cert, key: identity.key } }
      : { createServer: createHttpServer }),
  }) as Server;
  if (network) holdConnections(server, network);
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, address, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        // Also those that no request has come on yet, which the HTTP server does not know.
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Node does not tell which of the sockets is below a TLS socket; the client's port does. */
function connectionOf(env: HttpBindings, sockets: ReadonlySet<Socket>): Connection {
  const { remoteAddress, remotePort } = env.incoming.socket;
  const isBelow = (socket: Socket): boolean =>
    socket.remotePort === remotePort && socket.remoteAddress === remoteAddress;
  return createConnection(env, [...sockets].find(isBelow));
}
