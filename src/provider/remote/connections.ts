import { openChannel, type Channel } from "./channel.ts";
import type { ProviderSocket } from "./sockets.ts";

/** Connections to providers, one for each name: made when they are needed, closed when their socket is gone. */
export interface Connections {
  /** Runs the work over a connection to this very socket. */
  use<T>(name: string, socket: ProviderSocket, work: (channel: Channel) => Promise<T>): Promise<T>;
  /** The provider's socket is gone. */
  drop(name: string): void;
  names(): readonly string[];
  close(): void;
}

interface Connection {
  readonly socket: ProviderSocket;
  readonly channel: Channel;
  calls: number;
  retired: boolean;
}

export function createConnections(maxReceiveBytes: number): Connections {
  const connections = new Map<string, Connection>();

  function connect(name: string, socket: ProviderSocket): Connection {
    const current = connections.get(name);
    if (current?.socket.identity === socket.identity) return current;
    drop(name);
    const made = { socket, channel: openChannel(socket.path, maxReceiveBytes), calls: 0, retired: false };
    connections.set(name, made);
    return made;
  }

  function drop(name: string): void {
    const current = connections.get(name);
    if (current === undefined) return;
    connections.delete(name);
    current.retired = true;
    closeUnused(current);
  }

  return {
    use: async (name, socket, work) => {
      const connection = connect(name, socket);
      connection.calls += 1;
      try {
        return await work(connection.channel);
      } finally {
        connection.calls -= 1;
        closeUnused(connection);
      }
    },
    drop,
    names: () => [...connections.keys()],
    close: () => {
      for (const name of connections.keys()) drop(name);
    },
  };
}

/** A call under way is not broken because its provider moved. */
function closeUnused({ retired, calls, channel }: Connection): void {
  if (retired && calls === 0) channel.close();
}
