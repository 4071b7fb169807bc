import { DriverError } from "../../errors.ts";
import { isServed } from "../../grpc/listening.ts";
import type { Logger } from "../../log.ts";
import type { ContentRequest } from "../../model.ts";
import type { Provider } from "../../ports.ts";
import { parseAnswer } from "./answer.ts";
import type { CallEnd, Channel } from "./channel.ts";
import { createConnections } from "./connections.ts";
import { probe } from "./probe.ts";
import { isUnavailable, refusal, type Listener } from "./refusal.ts";
import { mountRequest } from "./request.ts";
import { findSocket, type ProviderSocket } from "./sockets.ts";
import { createTurns, ROTATIONS_AT_ONCE } from "./turns.ts";

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
  const turns = createTurns();

  function locate(name: string): ProviderSocket {
    try {
      return findSocket(name, directories);
    } catch (error) {
      connections.drop(name);
      throw error;
    }
  }

  /** Over the connection that is current. Who waited on a socket that was replaced meanwhile asks on the new one. */
  async function ask(name: string, request: ContentRequest, end: CallEnd): Promise<Buffer> {
    for (;;) {
      const socket = locate(name);
      const channel = connections.to(name, socket);
      try {
        return await channel.mount(mountRequest(request), end);
      } catch (error) {
        if (isUnavailable(error) && !end.signal.aborted && connections.isReplaced(name, channel)) continue;
        const listener = await listenerOf(channel, socket);
        throw refusal(error, { name, socketPath: socket.path, listener, ...end });
      }
    }
  }

  /** A pod waits for a mount; nobody waits for a rotation. */
  function askInTurn(name: string, request: ContentRequest, end: CallEnd): Promise<Buffer> {
    return turns(name, () => {
      if (isOver(end)) throw tooManyBefore(name);
      return ask(name, request, end);
    });
  }

  return {
    named: (name) => ({
      fetch: async (request, { priority, deadline }, signal) => {
        const end = { deadline, signal };
        const bytes = await (priority === "mount" ? ask(name, request, end) : askInTurn(name, request, end));
        const content = parseAnswer(bytes, name);
        if (bytes.byteLength > LARGEST_SECRET_BYTES) tellSize(name, bytes.byteLength, request, log);
        return content;
      },
    }),
    probe: async (signal) => {
      const connect = (name: string) => () => connections.to(name, locate(name));
      await Promise.all(connections.names().map((name) => probe(name, connect(name), { signal, log })));
    },
    close: connections.close,
  };
}

function isOver({ deadline, signal }: CallEnd): boolean {
  return signal.aborted || (deadline !== undefined && Date.now() >= deadline.getTime());
}

function tooManyBefore(name: string): DriverError {
  return new DriverError(
    "DeadlineExceeded",
    `provider "${name}" was not asked: other volumes of this node took the whole interval, ${ROTATIONS_AT_ONCE} at once: look at its logs on this node`,
  );
}

async function listenerOf(channel: Channel, { path }: ProviderSocket): Promise<Listener> {
  if (channel.isReachable()) return "provider";
  return (await isServed(path)) ? "silent" : "nobody";
}

function tellSize(name: string, size: number, { volume }: ContentRequest, log: Logger): void {
  log.info(
    `the answer of provider "${name}" is ${size} bytes, more than 1 MiB: syncing it to Kubernetes Secrets may fail`,
    { pod: `${volume.pod.namespace}/${volume.pod.name}`, secretProviderClass: volume.className },
  );
}
