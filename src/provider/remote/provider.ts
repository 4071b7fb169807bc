import type { Logger } from "../../log.ts";
import type { ContentRequest } from "../../model.ts";
import type { Provider } from "../../ports.ts";
import { parseAnswer } from "./answer.ts";
import type { CallEnd, Channel } from "./channel.ts";
import { createConnections } from "./connections.ts";
import { probe } from "./probe.ts";
import { refusal } from "./refusal.ts";
import { mountRequest } from "./request.ts";
import { findSocket, type ProviderSocket } from "./sockets.ts";

export interface RemoteOptions {
  /** Where sockets are looked for, in this order. */
  readonly directories: readonly string[];
  /** Of one answer. */
  readonly maxReceiveBytes: number;
  readonly log: Logger;
}

/** Other vendors' providers on this node, each behind a unix socket `<name>.sock` (csi-driver 2). */
export interface RemoteProviders {
  /** A provider that is not there is told when it is asked. */
  named(name: string): Provider;
  /** Asks each connected provider for its version and logs what came of it; never throws. */
  probe(signal: AbortSignal): Promise<void>;
  close(): void;
}

/** What does not fit into a Kubernetes Secret: an object has at most 1 MiB. */
const LARGEST_SECRET_BYTES = 1024 * 1024;

export function createRemoteProviders(options: RemoteOptions): RemoteProviders {
  const { directories, maxReceiveBytes, log } = options;
  const connections = createConnections(maxReceiveBytes);

  function locate(name: string): ProviderSocket {
    try {
      return findSocket(name, directories);
    } catch (error) {
      connections.drop(name);
      throw error;
    }
  }

  return {
    named: (name) => ({
      fetch: async (request, freshness, signal) => {
        const socket = locate(name);
        const provider = { name, socketPath: socket.path, channel: connections.to(name, socket) };
        const bytes = await ask(provider, request, { deadline: freshness.deadline, signal });
        const content = parseAnswer(bytes, name);
        if (bytes.byteLength > LARGEST_SECRET_BYTES) tellSize(name, bytes.byteLength, request, log);
        return content;
      },
    }),
    probe: async (signal) => {
      const probes = connections.names().map(async (name) => {
        await probe(name, connections.to(name, locate(name)), { signal, log });
      });
      await Promise.allSettled(probes);
    },
    close: connections.close,
  };
}

interface ConnectedProvider {
  readonly name: string;
  readonly socketPath: string;
  readonly channel: Channel;
}

async function ask(
  { name, socketPath, channel }: ConnectedProvider,
  request: ContentRequest,
  end: CallEnd,
): Promise<Buffer> {
  try {
    return await channel.mount(mountRequest(request), end);
  } catch (error) {
    const { deadline, signal } = end;
    throw refusal(error, { name, socketPath, reachable: channel.isReachable(), signal, deadline });
  }
}

function tellSize(name: string, size: number, { volume }: ContentRequest, log: Logger): void {
  log.info(
    `the answer of provider "${name}" is ${size} bytes, more than 1 MiB: syncing it to Kubernetes Secrets may fail`,
    { pod: `${volume.pod.namespace}/${volume.pod.name}`, secretProviderClass: volume.className },
  );
}
