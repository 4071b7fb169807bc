import { existsSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { mkdir, readlink, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { SERVICE_ACCOUNT_DIR } from "../../src/kube/in-cluster.ts";

/**
 * Puts the emulator's service account where a pod has it, for a plugin of ours runs as in a cluster: by a kubeconfig it
 * would load a library that it does without there, and connect anew for each request. Gives what takes it away again.
 */
export async function provideServiceAccount(emulatorDir: string): Promise<() => void> {
  if (await isMachinesNamespace())
    throw new Error(
      "the bench mounts over /var/run, so it needs a mount namespace of its own: run it by scripts/start.mjs",
    );
  // The image has no roots of a distribution, which would cost the plugin some 8 MB here.
  const hidden = ["/var/run", ...(existsSync("/etc/ssl/certs") ? ["/etc/ssl/certs"] : [])];
  for (const dir of hidden) execFileSync("mount", ["-t", "tmpfs", "none", dir]);
  await mkdir(dirname(SERVICE_ACCOUNT_DIR), { recursive: true });
  await symlink(join(emulatorDir, "serviceaccount"), SERVICE_ACCOUNT_DIR);
  return () => {
    for (const dir of hidden) execFileSync("umount", [dir]);
  };
}

/** Who may not even look is not the machine's root, and has a namespace of its own. */
async function isMachinesNamespace(): Promise<boolean> {
  const [own, machines] = await Promise.all(
    ["self", "1"].map((process) => readlink(`/proc/${process}/ns/mnt`).catch(() => process)),
  );
  return own === machines;
}
