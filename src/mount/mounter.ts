import * as nodeFs from "node:fs";
import type { Mounter } from "../ports.ts";
import { makeDirectory, removeDirectory } from "./directory.ts";
import type { MountFileSystem } from "./directory.ts";
import { unmountFlags } from "./kernel.ts";
import type { Kernel } from "./kernel.ts";
import { lookAt } from "./look.ts";
import { errnoName, refusal } from "./refusal.ts";
import { mountTmpfs, tmpfsBytes } from "./tmpfs.ts";
import type { Capacity, TmpfsOptions } from "./tmpfs.ts";

/** What mounting needs; `fs` is node:fs unless given. */
export interface MounterOptions {
  /** From `loadKernel`. */
  readonly kernel: Kernel;
  readonly fs?: MountFileSystem;
  readonly capacity: Capacity;
  /** From `hasNoswap`. */
  readonly noswap: boolean;
}

/** Mounts of volumes, by system calls. The targets are kubelet's: absolute, clean, below directories that it owns. */
export function createMounter({ kernel, fs = nodeFs, capacity, noswap }: MounterOptions): Mounter {
  const tmpfs = { bytes: tmpfsBytes(capacity, kernel.pageSize), noswap };
  return {
    look: (target) => promised(() => lookAt(target, kernel, fs)),
    mountTmpfs: (target) =>
      promised(() => {
        mountOn(target, kernel, fs, tmpfs);
      }),
    unmount: (target) =>
      promised(() => {
        unmount(target, kernel, fs);
      }),
  };
}

function mountOn(target: string, kernel: Kernel, fs: MountFileSystem, tmpfs: TmpfsOptions): void {
  const made: string[] = [];
  try {
    makeDirectory(fs, target, made);
    // mount(2) follows links; looking refuses them.
    lookAt(target, kernel, fs);
    const errno = mountTmpfs(kernel, target, tmpfs);
    if (errno !== 0) throw refusal("mount tmpfs on", target, errno);
  } catch (error) {
    for (const directory of made.reverse()) undoMaking(fs, directory);
    throw error;
  }
}

/** The failure that led here is the one to tell. */
function undoMaking(fs: MountFileSystem, directory: string): void {
  try {
    fs.rmdirSync(directory);
  } catch {
    // An empty directory stays, which the next attempt uses.
  }
}

/** Mounts may be stacked: each unmount uncovers the one below, until the plain directory shows. */
function unmount(target: string, kernel: Kernel, fs: MountFileSystem): void {
  let state = lookAt(target, kernel, fs);
  while (state === "mounted" || state === "broken") {
    detach(target, kernel, state === "broken");
    state = lookAt(target, kernel, fs);
  }
  if (state === "directory") removeDirectory(fs, target);
}

/** Lazily if in use, and at once if nobody is behind the mount: an ordinary unmount would wait for that server. */
function detach(target: string, kernel: Kernel, lazily: boolean): void {
  const flags = lazily ? unmountFlags.noFollow | unmountFlags.detach : unmountFlags.noFollow;
  const errno = kernel.umount2(target, flags);
  if (errno === 0) return;
  if (lazily || errnoName(errno) !== "EBUSY") throw refusal("unmount", target, errno);
  detach(target, kernel, true);
}

/** What a synchronous call gives or throws, as the port's promise. */
function promised<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => {
    resolve(work());
  });
}
