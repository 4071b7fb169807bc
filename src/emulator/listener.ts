import { createServer as createHttpServer } from "node:http";
import type { Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { HttpBindings } from "@hono/node-server";
import type { ServerIdentity } from "./ca.ts";

/** A server that is listening. */
export interface Listener {
  readonly port: number;
  stop(): Promise<void>;
}

/** What answers the requests of one listener. */
export type Handler = (request: Request, env: HttpBindings) => Response | Promise<Response>;

/** Where to listen, by default on 127.0.0.1; with an identity it is TLS. Port 0 takes any free one. */
export interface ListenOptions {
  readonly port: number;
  readonly address?: string;
  readonly identity?: ServerIdentity;
}

/** Starts to serve. */
export async function listen(handler: Handler, options: ListenOptions): Promise<Listener> {
  const { port, identity, address = "127.0.0.1" } = options;
  const server = createAdaptorServer({
    fetch: (request, env) => handler(request, env as HttpBindings),
    overrideGlobalObjects: false,
    ...(identity
      ? { createServer: createHttpsServer, serverOptions: { cert: identity.cert, key: identity.key } }
      : { createServer: createHttpServer }),
  }) as Server;
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
        server.closeAllConnections();
      }),
  };
}
