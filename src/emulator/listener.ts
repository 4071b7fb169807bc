import { createServer as createHttpServer } from "node:http";
import type { Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
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

/** A server behind another's port, for TLS clients that ask for one of its names. */
export interface NamedServer {
  /** Which names are its own, also those that it has no certificate for: they are refused. */
  isOwn(serverName: string): boolean;
  identityFor(serverName: string): ServerIdentity | undefined;
  readonly handler: Handler;
}

/** Where to listen, by default on 127.0.0.1; with an identity it is TLS. Port 0 takes any free one. */
export interface ListenOptions {
  readonly port: number;
  readonly address?: string;
  readonly identity?: ServerIdentity;
  readonly named?: NamedServer;
  /** What a new connection has to cross; nothing by default. */
  readonly network?: Network;
}

/** Starts to serve. */
export async function listen(handler: Handler, options: ListenOptions): Promise<Listener> {
  const { port, identity, named, address = "127.0.0.1", network } = options;
  const sockets = new Set<Socket>();
  const server = createAdaptorServer({
    fetch: (request, env) => {
      const bindings = env as HttpBindings;
      const answering = isFor(named, bindings) ? named.handler : handler;
      return answering(request, connectionOf(bindings, sockets));
    },
    overrideGlobalObjects: false,
    ...(identity
      ? {
          createServer: createHttpsServer,
          serverOptions: { ...identity, ...(named && { SNICallback: chooseBy(named) }) },
        }
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

type Chosen = (error: Error | null, context?: SecureContext) => void;

/** Which certificate a client gets by the name that it asks for; without a context it is the listener's own. */
function chooseBy(named: NamedServer): (serverName: string, chosen: Chosen) => void {
  return (serverName, chosen) => {
    const identity = named.identityFor(serverName);
    if (identity !== undefined) chosen(null, createSecureContext({ ...identity }));
    else chosen(named.isOwn(serverName) ? new Error(`no server is named ${serverName}`) : null);
  };
}

function isFor(named: NamedServer | undefined, { incoming }: HttpBindings): named is NamedServer {
  const { servername } = incoming.socket as Partial<TLSSocket>;
  return typeof servername === "string" && (named?.isOwn(servername) ?? false);
}

/** Node does not tell which of the sockets is below a TLS socket; the client's port does. */
function connectionOf(env: HttpBindings, sockets: ReadonlySet<Socket>): Connection {
  const { remoteAddress, remotePort } = env.incoming.socket;
  const isBelow = (socket: Socket): boolean =>
    socket.remotePort === remotePort && socket.remoteAddress === remoteAddress;
  return createConnection(env, [...sockets].find(isBelow));
}
