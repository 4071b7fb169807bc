import { constants } from "node:fs";
import { dirname } from "node:path";
import { DriverError } from "../errors.ts";
import type { TargetState } from "../ports.ts";
import type { MountFileSystem } from "./directory.ts";
import type { Errno, Kernel, PathFacts } from "./kernel.ts";
import { errnoName, errnoOf, refusal } from "./refusal.ts";

/** A mount that answers with one of these has nobody behind it any more; only unmounting helps. */
const deadMountErrors: readonly string[] = ["ENOTCONN", "ESTALE", "EIO", "EACCES", "EHOSTDOWN"];
const tmpfsMagic = 0x01021994;

/** What stands at a target, as the kernel has it now. A link or a file is nobody's mount target: MountFailed. */
export function lookAt(target: string, kernel: Kernel, fs: MountFileSystem): TargetState {
  const facts = kernel.statx(target);
  if (typeof facts === "number") return stateOfRefused(target, facts);
  demandDirectory(target, facts.mode);
  if (!isMounted(target, facts, fs)) return "directory";
  return stateOfMount(target, fs);
}

function stateOfRefused(target: string, errno: Errno): TargetState {
  const name = errnoName(errno);
  if (name === "ENOENT") return "absent";
  if (deadMountErrors.includes(name)) return "broken";
  throw refusal("look at", target, errno);
}

function demandDirectory(target: string, mode: number): void {
  const type = mode & constants.S_IFMT;
  if (type === constants.S_IFDIR) return;
  const what = type === constants.S_IFLNK ? "a symbolic link" : "a file";
  throw new DriverError("MountFailed", `the target ${target} is ${what} and not a directory; remove it`);
}

/** Before Linux 5.8 the device tells, and the type: on some filesystems plain directories have devices of their own. */
function isMounted(target: string, { isMountRoot }: PathFacts, fs: MountFileSystem): boolean {
  if (isMountRoot !== undefined) return isMountRoot;
  if (fs.lstatSync(target).dev === fs.lstatSync(dirname(target)).dev) return false;
  return fs.statfsSync(target).type === tmpfsMagic;
}

function stateOfMount(target: string, fs: MountFileSystem): TargetState {
  try {
    fs.readdirSync(target);
    return "mounted";
  } catch (error) {
    const errno = errnoOf(error);
    if (deadMountErrors.includes(errnoName(errno))) return "broken";
    throw refusal("list", target, errno, error);
  }
}
