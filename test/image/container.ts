import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { UnpackedImage } from "./unpack.ts";

/** What a container runtime makes of an image: a read-only root with what belongs to the machine mounted into it. */
export interface Container {
  /** Command line that runs `args` in it, with the image's environment and `env` alone. */
  command(args: readonly string[], env?: readonly string[]): readonly [string, ...string[]];
  close(): void;
}

/** Mounts made below `shared` in the container are seen outside, as kubelet's directory is mounted into the plugin. */
export function createContainer(image: UnpackedImage, below: string, shared: readonly string[] = []): Container {
  const mount = (...args: readonly string[]) => execFileSync("mount", args);
  const root = mkdtempSync(join(below, "container-"));
  for (const place of ["/proc", "/dev", ...shared]) mkdirSync(join(image.root, place), { recursive: true });
  writeFileSync(join(image.root, "etc/hosts"), "");
  mount("--bind", image.root, root);
  mount("-o", "remount,bind,ro", root);
  mount("-t", "proc", "proc", join(root, "proc"));
  mount("--bind", "/dev", join(root, "dev"));
  mount("--bind", "/etc/hosts", join(root, "etc/hosts"));
  for (const directory of shared) {
    mount("--bind", "--make-shared", directory, directory);
    mount("--bind", directory, join(root, directory));
  }
  return {
    command: (args, env = []) => ["env", "-i", ...image.env, ...env, "chroot", root, ...args],
    close: () => {
      execFileSync("umount", ["--recursive", root]);
      for (const directory of shared) execFileSync("umount", [directory]);
    },
  };
}
