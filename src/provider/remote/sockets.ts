import { statSync } from "node:fs";
import { DriverError } from "../../errors.ts";
import { LONGEST_SOCKET_PATH } from "../../grpc/endpoint.ts";

/** A provider's socket as it was found. */
export interface ProviderSocket {
  readonly path: string;
  /** Differs where the file was removed and made anew: whoever is connected to the old one talks to nobody, or to the wrong one. */
  readonly identity: string;
}

/** Names become file names (csi-driver 2.2). */
export function isProviderName(name: string): boolean {
  return /^[a-zA-Z0-9_-]{1,30}$/.test(name);
}

/** Directories of a flag, comma-separated; empty ones name nothing. */
export function parseDirectories(text: string): readonly string[] {
  const directories = text
    .split(",")
    .map((directory) => directory.trim())
    .filter((directory) => directory !== "");
  const relative = directories.find((directory) => !directory.startsWith("/"));
  if (relative !== undefined) throw new Error(`must be absolute paths, and ${JSON.stringify(relative)} is not`);
  return directories;
}

/**
 * The first existing `<directory>/<name>.sock`, in the order of the directories, whether or not somebody listens there:
 * a provider that is being restarted is waited for. In one step, so that a later question never gets an earlier answer. Throws
 * ProviderNotFound.
 */
export function findSocket(name: string, directories: readonly string[]): ProviderSocket {
  const failures: string[] = [];
  for (const directory of directories) {
    const path = `${directory.replace(/\/+$/, "")}/${name}.sock`;
    const found = look(path);
    if ("failure" in found) failures.push(found.failure);
    else return checked(name, found);
  }
  const unseen = failures.filter((failure) => !failure.endsWith("ENOENT"));
  const where = [directories.join(" or "), ...unseen].join("; ");
  throw notFound(
    name,
    `there is no ${name}.sock in ${where}: install the provider on this node, or correct spec.provider`,
  );
}

interface Found extends ProviderSocket {
  readonly isSocket: boolean;
}

function look(path: string): Found | { readonly failure: string } {
  try {
    const stats = statSync(path, { bigint: true });
    const identity = [path, stats.dev, stats.ino, stats.mtimeNs].join("|");
    return { path, identity, isSocket: stats.isSocket() };
  } catch (error) {
    return { failure: `${path}: ${(error as NodeJS.ErrnoException).code ?? "unreadable"}` };
  }
}

/** A file that can never be listened on is told at once: kubelet, for one, makes a directory where a hostPath is missing. */
function checked(name: string, { isSocket, ...socket }: Found): ProviderSocket {
  const { path } = socket;
  if (!isSocket) throw notFound(name, `${path} is no socket: remove it, and start the provider anew`);
  if (Buffer.byteLength(path) <= LONGEST_SOCKET_PATH) return socket;
  throw notFound(
    name,
    `the path ${path} is longer than the ${LONGEST_SOCKET_PATH} bytes that Linux takes for a socket: use a shorter directory`,
  );
}

function notFound(name: string, why: string): DriverError {
  return new DriverError("ProviderNotFound", `provider not found: provider "${name}": ${why}`);
}
