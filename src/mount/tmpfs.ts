import { tmpdir } from "node:os";
import { join } from "node:path";
import * as nodeFs from "node:fs";
import { removeDirectory } from "./directory.ts";
import type { MountFileSystem } from "./directory.ts";
import { mountFlags, unmountFlags } from "./kernel.ts";
import type { Errno, Kernel } from "./kernel.ts";
import { errnoOf, refusal } from "./refusal.ts";

/** The most that a volume may hold. */
export interface Capacity {
  readonly contentBytes: number;
  readonly files: number;
}

/** How a volume's tmpfs is mounted. */
export interface TmpfsOptions {
  readonly bytes: number;
  /** Whether its pages stay out of swap. */
  readonly noswap: boolean;
}

/**
 * What a tmpfs needs for a volume at its limits. During a write the old version and the new are both there, each file
 * ends in a page that is not full, and a visible link with a long name takes a page too.
 */
export function tmpfsBytes({ contentBytes, files }: Capacity, pageSize: number): number {
  return 2 * (contentBytes + files * pageSize) + files * pageSize;
}

/** Mounts a tmpfs. No noexec: `filePermission: 0755` is in use. */
export function mountTmpfs(kernel: Kernel, target: string, { bytes, noswap }: TmpfsOptions): Errno {
  const data = `size=${bytes},mode=0755${noswap ? ",noswap" : ""}`;
  return kernel.mount("tmpfs", target, mountFlags.nosuid | mountFlags.nodev, data);
}

/**
 * Finds out by a trial mount whether tmpfs knows `noswap` here (Linux 6.4; not in a user namespace). Asked once, at
 * start. The trial stands in a temporary directory below `parent`, which must be writable and must not propagate mounts.
 */
export function hasNoswap(kernel: Kernel, parent: string = tmpdir(), fs: MountFileSystem = nodeFs): boolean {
  const directory = makeTemporary(fs, parent);
  try {
    if (mountTmpfs(kernel, directory, { bytes: kernel.pageSize, noswap: true }) !== 0) return false;
    kernel.umount2(directory, unmountFlags.detach | unmountFlags.noFollow);
    return true;
  } finally {
    removeDirectory(fs, directory);
  }
}

function makeTemporary(fs: MountFileSystem, parent: string): string {
  try {
    return fs.mkdtempSync(join(parent, "noswap-trial-"));
  } catch (error) {
    throw refusal("make a directory for a trial mount in", parent, errnoOf(error), error);
  }
}
