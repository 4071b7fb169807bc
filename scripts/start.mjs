/**
 * Runs a program of this repository on a bare machine: `node scripts/start.mjs PROGRAM ARGS…`. Plain JavaScript, since
 * it may be run by an older Node than the one that it installs. Installs packages where they are missing or older than
 * the lock file, builds dist/, and enters a mount namespace of its own, so that volumes are really mounted but the
 * machine is left as it was; in there the emulator's host names resolve.
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = new URL("..", import.meta.url).pathname;
const node = join(root, "node_modules/.bin/node");
const installedMark = join(root, "node_modules/.installed-lock");

process.chdir(root);
install();
must(node, ["scripts/build.ts"], "the build failed");
runInNamespace([node, ...process.argv.slice(2)]);

function install() {
  const lock = createHash("sha256").update(readFileSync("package-lock.json")).digest("hex");
  if (existsSync(installedMark) && readFileSync(installedMark, "utf8") === lock) return;
  console.error("Installing packages (npm ci), once …");
  must("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], "npm ci failed");
  writeFileSync(installedMark, lock);
}

function must(command, args, complaint) {
  const { status } = spawnSync(command, args, { stdio: ["ignore", 2, 2] });
  if (status !== 0) fail(complaint);
}

function runInNamespace(command) {
  const unshare = ["--mount", "--propagation", "private", ...(process.getuid() === 0 ? [] : ["--user", "--map-root-user"])];
  if (spawnSync("unshare", [...unshare, "mount", "-t", "tmpfs", "none", "/mnt"], { stdio: "ignore" }).status !== 0)
    fail("volumes are really mounted here, which needs root, or unprivileged user namespaces and the command unshare (util-linux)");
  const scratch = mkdtempSync(join(tmpdir(), "akv-hosts-"));
  const hosts = join(scratch, "hosts");
  writeFileSync(hosts, hostsFile());
  const enter = 'mount --bind "$1" /etc/hosts && shift && exec "$@"';
  const path = `${join(root, "node_modules/.bin")}:${process.env.PATH}`;
  const child = spawn("unshare", [...unshare, "sh", "-c", enter, "sh", hosts, ...command], {
    stdio: "inherit",
    env: { ...process.env, PATH: path },
  });
  // Ctrl-C reaches the child by itself; this process only waits.
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => signal === "SIGTERM" && child.kill(signal));
  child.on("exit", (code, signal) => {
    rmSync(scratch, { recursive: true, force: true });
    process.exitCode = signal ? 1 : code;
  });
}

function hostsFile() {
  const names = JSON.parse(readFileSync("src/emulator/hosts.json", "utf8"));
  return `${readFileSync("/etc/hosts", "utf8")}\n127.0.0.1 ${names.join(" ")}\n`;
}

function fail(complaint) {
  console.error(complaint);
  process.exit(1);
}
