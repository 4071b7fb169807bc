import { mkdtempSync, readFileSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadKernel, unmountFlags } from "../../src/mount/kernel.ts";

const kernel = await loadKernel();

/** Why tests that mount cannot run here, for their names; empty where they can. */
export const cannotMount = trialMount() === 0 ? "" : " (skipped: may not mount; run under unshare --mount)";

/** Why tests cannot run here that need more than a mapped root; empty where they can. */
export const cannotActAsRealRoot = isInitialUserNamespace() ? "" : " (skipped: not the initial user namespace)";

function trialMount(): number {
  const directory = mkdtempSync(join(tmpdir(), "mount-rights-"));
  const errno = kernel.mount("tmpfs", directory, 0, "size=4096");
  if (errno === 0) kernel.umount2(directory, unmountFlags.detach);
  rmdirSync(directory);
  return errno;
}

function isInitialUserNamespace(): boolean {
  const map = readFileSync("/proc/self/uid_map", "latin1").trim().split(/\s+/).join(" ");
  return map === "0 0 4294967295";
}
