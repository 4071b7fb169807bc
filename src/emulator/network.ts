import type { Server, Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** How far away clients are: not at all while the round trip is 0. */
export interface Network {
  /** One round trip, in milliseconds; may be changed at any time. */
  rttMs: number;
}

/** Waits one round trip: what every answer costs. */
export async function roundTrip({ rttMs }: Network): Promise<void> {
  if (rttMs > 0) await delay(rttMs, undefined, { ref: false });
}

/** Keeps the server from new connections for two round trips: those of TCP's and TLS's handshakes. */
export function holdConnections(server: Server, network: Network): void {
  const accept = server.listeners("connection");
  server.removeAllListeners("connection").on("connection", (socket: Socket) => {
    const hand = (): void => {
      for (const listener of accept) Reflect.apply(listener, server, [socket]);
    };
    if (network.rttMs > 0) hold(socket, 2 * network.rttMs, hand);
    else hand();
  });
}

/** A client that leaves in the meantime is not handed on. */
function hold(socket: Socket, milliseconds: number, hand: () => void): void {
  const leave = (): void => void socket.destroy();
  const timer = setTimeout(() => {
    socket.off("error", leave);
    hand();
  }, milliseconds);
  socket.on("error", leave).once("close", () => {
    clearTimeout(timer);
  });
}
