import { execFileSync } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadKernel, unmountFlags } from "../../src/mount/kernel.ts";

const kernel = await loadKernel();

/** A place for tests on a tmpfs of its own, with a volume directory and, beside it, a canary that nobody may touch. */
export interface Ground {
  readonly base: string;
  readonly volume: string;
  readonly canary: string;
  /** What the canary directory is like: names, types, modes, owners, times, contents. */
  canaryState(): readonly string[];
  remove(): void;
}

/** Makes a ground; the volume is a plain directory of the same tmpfs as the canary, or a tmpfs of its own. */
export function createGround(volumeIs: "directory" | "tmpfs" = "tmpfs"): Ground {
  const base = mkdtempSync(join(tmpdir(), "ground-"));
  mountTmpfsOn(base);
  const volume = join(base, "volume");
  const canary = join(base, "canary");
  mkdirSync(volume);
  mkdirSync(join(canary, "inner"), { recursive: true });
  writeFileSync(join(canary, "secret"), "canary secret");
  writeFileSync(join(canary, "inner", "deep"), "canary deep");
  chmodSync(join(canary, "secret"), 0o600);
  chmodSync(join(canary, "inner"), 0o711);
  if (volumeIs === "tmpfs") mountTmpfsOn(volume);
  return {
    base,
    volume,
    canary,
    canaryState: () => describeTree(canary),
    remove: () => {
      kernel.umount2(base, unmountFlags.detach);
      rmdirSync(base);
    },
  };
}

/** Shows one directory at another place. */
export function bindMount(from: string, to: string): void {
  execFileSync("mount", ["--bind", from, to]);
}

export function mountTmpfsOn(path: string): void {
  const errno = kernel.mount("tmpfs", path, 0, "mode=0755");
  if (errno !== 0) throw new Error(`the test may not mount: errno ${errno}`);
}

/** A tree as lines, links not followed: path, mode, owner, group, time, and contents or target. */
export function describeTree(directory: string, prefix = ""): readonly string[] {
  return readdirSync(directory)
    .sort()
    .flatMap((name) => {
      const path = join(directory, name);
      const stat = lstatSync(path);
      const line = `${prefix}${name} ${stat.mode.toString(8)} ${stat.uid}:${stat.gid} ${stat.mtimeMs}`;
      if (stat.isSymbolicLink()) return [`${line} -> ${readlinkSync(path)}`];
      if (stat.isFile()) return [`${line} = ${readFileSync(path, "latin1")}`];
      return stat.isDirectory() ? [line, ...describeTree(path, `${prefix}${name}/`)] : [line];
    });
}

/** What a pod sees: every visible file, links followed, as path → text. */
export function visibleFiles(volume: string): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (path: string): void => {
    for (const entry of readdirSync(join(volume, path))) {
      if (path === "" && entry.startsWith("..")) continue;
      const inner = join(path, entry);
      try {
        found[inner] = readFileSync(join(volume, inner), "utf8");
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "EISDIR")) throw error;
        walk(inner);
      }
    }
  };
  walk("");
  return found;
}

export function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}
