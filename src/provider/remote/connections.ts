import { openChannel, type Channel } from "./channel.ts";
import type { ProviderSocket } from "./sockets.ts";

/** Connections to providers, one for each name: made when they are needed, closed when their socket is gone. */
export interface Connections {
  /** A connection to this very socket. */
  to(name: string, socket: ProviderSocket): Channel;
  /** Whether it was closed because its socket is gone: calls that were not served over it may be made over its successor. */
  isReplaced(name: string, channel: Channel): boolean;
  /** The provider's socket is gone. */
  drop(name: string): void;
  names(): readonly string[];
  close(): void;
}

interface Connection {
  readonly socket: ProviderSocket;
  readonly channel: Channel;
}

export function createConnections(maxReceiveBytes: number): Connections {
  const connections = new Map<string, Connection>();
  let closed = false;

  /** A call under way ends as ever; one that still waits for somebody to listen ends now, UNAVAILABLE. */
  function drop(name: string): void {
    connections.get(name)?.channel.close();
    connections.delete(name);
  }

  return {
    to: (name, socket) => {
      const current = connections.get(name);
      if (current?.socket.identity === socket.identity) return current.channel;
      drop(name);
      const channel = openChannel(socket.path, maxReceiveBytes);
      connections.set(name, { socket, channel });
      return channel;
    },
    isReplaced: (name, channel) => !closed && connections.get(name)?.channel !== channel,
    drop,
    names: () => [...connections.keys()],
    close: () => {
      closed = true;
      for (const name of connections.keys()) drop(name);
    },
  };
}
