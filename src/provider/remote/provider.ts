import type { Logger } from "../../log.ts";
import type { ContentRequest, Content } from "../../model.ts";
import type { Freshness, Provider } from "../../ports.ts";
import { parseAnswer } from "./answer.ts";
import { createConnections, type Connections } from "./connections.ts";
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

  async function locate(name: string): Promise<ProviderSocket> {
    try {
      return await findSocket(name, directories);
    } catch (error) {
      connections.drop(name);
      throw error;
    }
  }

  return {
    named: (name) => ({
      fetch: async (request, freshness, signal) =>
        fetchFrom({ name, socket: await locate(name), connections, log }, request, { freshness, signal }),
    }),
    probe: async (signal) => {
      const probes = connections.names().map(async (name) => {
        const socket = await locate(name);
        await connections.use(name, socket, (channel) => probe(name, channel, { signal, log }));
      });
      await Promise.allSettled(probes);
    },
    close: connections.close,
  };
}

interface Found {
  readonly name: string;
  readonly socket: ProviderSocket;
  readonly connections: Connections;
  readonly log: Logger;
}

async function fetchFrom(
  { name, socket, connections, log }: Found,
  request: ContentRequest,
  { freshness, signal }: { readonly freshness: Freshness; readonly signal: AbortSignal },
): Promise<Content> {
  const bytes = await connections.use(name, socket, async (channel) => {
    const end = { deadline: freshness.deadline, signal };
    try {
      return await channel.mount(mountRequest(request), end);
    } catch (error) {
      throw refusal(error, { name, socketPath: socket.path, reachable: channel.isReachable(), ...end });
    }
  });
  const content = parseAnswer(bytes, name);
  if (bytes.byteLength > LARGEST_SECRET_BYTES) warnOfSize(name, bytes.byteLength, request, log);
  return content;
}

function warnOfSize(name: string, size: number, { volume }: ContentRequest, log: Logger): void {
  log.info(
    `the answer of provider "${name}" is ${size} bytes, more than 1 MiB: syncing it to Kubernetes Secrets may fail`,
    { pod: `${volume.pod.namespace}/${volume.pod.name}`, secretProviderClass: volume.className },
  );
}
