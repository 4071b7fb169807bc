/**
 * Runs a program of this repository on a bare machine: `node scripts/start.mjs PROGRAM ARGS…`. Installs packages, builds
 * dist/ where a source is newer, and enters a mount namespace of its own, so that volumes are really mounted but the
 * machine is left as it was; in there the emulator's host names resolve.
 */
import { root } from "./install.mjs";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const node = join(root, "node_modules/.bin/node");
build();
runInNamespace([node, ...process.argv.slice(2)]);

/** A plugin that runs loads its files when it needs them, so they are not made anew without reason. */
function build() {
  const sources = readdirSync("src", { recursive: true }).map((name) => `src/${name}`);
  const newest = Math.max(
    ...[...sources, "scripts/build.ts", "scripts/bundle.ts", "package-lock.json"].map((path) => statSync(path).mtimeMs),
  );
  if (existsSync("dist/main.js") && statSync("dist/main.js").mtimeMs > newest) return;
  if (spawnSync(node, ["scripts/build.ts"], { stdio: ["ignore", 2, 2] }).status !== 0)
    fail("the build failed: see above");
}

function runInNamespace(command) {
  const unshare = [
    "--mount",
    "--propagation",
    "private",
    ...(process.getuid() === 0 ? [] : ["--user", "--map-root-user"]),
  ];
  if (spawnSync("unshare", [...unshare, "mount", "-t", "tmpfs", "none", "/mnt"], { stdio: "ignore" }).status !== 0)
    fail(
      "volumes are really mounted here, which needs root, or unprivileged user namespaces and the command unshare (util-linux)",
    );
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
