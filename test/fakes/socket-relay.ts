import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A socket that hands every connection on to another one, and counts them. */
export interface Relay {
  /** Connections made so far, and those that are open. */
  readonly made: () => number;
  readonly open: () => number;
  stop(): Promise<void>;
}

/** Without a destination it takes connections and says nothing. */
export async function startRelay(socketPath: string, to?: string): Promise<Relay> {
  const open = new Set<Socket>();
  let made = 0;
  const server = createServer((incoming) => {
    made += 1;
    open.add(incoming);
    incoming.once("close", () => open.delete(incoming));
    incoming.on("error", () => undefined);
    if (to === undefined) return;
    const outgoing = connect(to);
    outgoing.on("error", () => incoming.destroy());
    incoming.pipe(outgoing).pipe(incoming);
  });
  server.listen(socketPath);
  await once(server, "listening");
  return {
    made: () => made,
    open: () => open.size,
    stop: async () => {
      server.close();
      for (const socket of open) socket.destroy();
      await once(server, "close");
    },
  };
}
