import { constants } from "node:os";
import { getSystemErrorMessage, getSystemErrorName } from "node:util";
import { DriverError } from "../errors.ts";
import type { Errno } from "./kernel.ts";

const remedies: Readonly<Record<string, string>> = {
  EPERM: "the plugin must run privileged",
  EACCES: "the plugin must run privileged",
  EROFS: "the kubelet directory must be mounted writable into the plugin",
  ENODEV: "the node's kernel must have tmpfs",
  ENOTEMPTY: "something is left in it or mounted below it, and must be removed by hand",
  EBUSY: "something that is still mounted on it must be unmounted by hand",
};

/** MountFailed for a refused call: deed, target, errno's name, and the remedy where one is known. */
export function refusal(deed: string, target: string, errno: Errno, cause?: unknown): DriverError {
  const name = errnoName(errno);
  const remedy = remedies[name];
  const message = `failed to ${deed} ${target}: ${name} (${getSystemErrorMessage(-errno)})`;
  return new DriverError("MountFailed", remedy === undefined ? message : `${message}; ${remedy}`, { cause });
}

/** The name of an errno, as `EBUSY`. */
export function errnoName(errno: Errno): string {
  // libuv's table, which Node answers from, lacks it.
  return errno === constants.errno.ESTALE ? "ESTALE" : getSystemErrorName(-errno);
}

/** The errno of a failed call of node:fs; what is none is thrown on. */
export function errnoOf(error: unknown): Errno {
  if (error instanceof Error && "errno" in error && typeof error.errno === "number") return Math.abs(error.errno);
  throw error;
}
