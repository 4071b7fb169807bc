import { rm } from "node:fs/promises";
import {
  logVerbosity,
  Server,
  ServerCredentials,
  setLogVerbosity,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { DriverError } from "../errors.ts";
import { isServed } from "./listening.ts";

// Its own lines are neither klog's nor JSON; what matters in them reaches us as errors.
setLogVerbosity(logVerbosity.NONE);

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
 * Serves on a socket that only its owner may use. A stale socket file (left by a killed process) is removed first. Throws
 * InvalidRequest where somebody else answers: two plugins would take each other's volumes for their own.
 */
export async function listen(services: readonly Service[], socketPath: string): Promise<RunningServer> {
  const server = new Server();
  for (const { definition, handlers } of services) server.addService(definition, handlers);
  if (await isServed(socketPath))
    throw new DriverError("InvalidRequest", `another process serves ${socketPath}: stop that one first`);
  await rm(socketPath, { force: true }).catch((error: unknown) => {
    throw cannotListen(socketPath, error as Error);
  });
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
      if (error) reject(cannotListen(socketPath, error));
      else resolve();
    });
  });
}

/** The library puts the errno into a sentence of its own. */
function cannotListen(socketPath: string, cause: Error): DriverError {
  const code = /\bE[A-Z]{3,}\b/.exec(cause.message)?.[0] ?? "for a reason that is not known";
  const remedy = "its directory must be there, and writable";
  return new DriverError("InvalidRequest", `cannot listen on ${socketPath}: ${code}: ${remedy}`, { cause });
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
