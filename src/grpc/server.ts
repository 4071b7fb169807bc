import { rm } from "node:fs/promises";
import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from "@grpc/grpc-js";

/** A gRPC service and what answers its calls. */
export interface Service {
  readonly definition: ServiceDefinition;
  readonly handlers: UntypedServiceImplementation;
}

/** A gRPC server on a unix socket. */
export interface RunningServer {
  /** Takes no new calls, waits for those under way, ends what is left after the limit; the socket file is gone afterwards. */
  stop(limitMs: number): Promise<void>;
}

/**
 * Serves on a socket that only its owner may use. A stale socket file (left by a killed process) is removed first:
 * the plugin directory belongs to one plugin, so whoever stands there is dead or about to be replaced.
 */
export async function listen(services: readonly Service[], socketPath: string): Promise<RunningServer> {
  const server = new Server();
  for (const { definition, handlers } of services) server.addService(definition, handlers);
  await rm(socketPath, { force: true });
  const before = process.umask(0o077);
  try {
    await bind(server, socketPath);
  } finally {
    process.umask(before);
  }
  return { stop: (limitMs) => drain(server, limitMs) };
}

function bind(server: Server, socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`unix:${socketPath}`, ServerCredentials.createInsecure(), (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

function drain(server: Server, limitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const limit = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, limitMs);
    server.tryShutdown(() => {
      clearTimeout(limit);
      resolve();
    });
  });
}
