import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { hostArch, type Arch, type BuildahStore } from "./engines.ts";
import { findNpm, readHostSettings, type HostSettings } from "./host.ts";
import { ask, run } from "./run.ts";

const cpus: Readonly<Record<Arch, string>> = { amd64: "x64", arm64: "arm64" };

/** What a base is made of; the same gives the same. */
interface Base {
  readonly image: string;
  readonly suite: string;
  readonly nodeVersion: string;
  readonly host: HostSettings;
}

/**
 * Stands in for an image registry: makes the Node image from Debian and npm packages, under its own name, in a store of
 * ours, and keeps it there. What it needs to reach registries stays in it: the Dockerfile takes only libraries and Node.
 */
export function makeLocalBase(image: string, target: Arch): BuildahStore {
  refuseWhatIsMissing();
  const { suite, nodeVersion } = parseNodeImage(image);
  const base: Base = { image, suite, nodeVersion, host: readHostSettings(suite) };
  const key = keyOf(base);
  const store = join(cacheDirectory(), key);
  const storage = ["--root", join(store, "storage"), "--runroot", join(store, "run"), "--storage-driver", "vfs"];
  dropOthers(key);
  for (const arch of new Set([hostArch, target])) {
    const done = join(store, `done-${arch}`);
    if (existsSync(done)) continue;
    addImage(base, arch, { store, storage });
    writeFileSync(done, "");
  }
  return { storage, build: ["--isolation", "chroot", "--pull-never"] };
}

function refuseWhatIsMissing(): void {
  if (process.getuid?.() !== 0) throw new Error("--local-base needs root: debootstrap makes a Debian tree");
  const missing = ["buildah", "debootstrap"].filter((program) => ask(program, "--version") === undefined);
  if (missing.length > 0)
    throw new Error(`--local-base needs ${missing.join(" and ")}: apt-get install -y ${missing.join(" ")}`);
}

function parseNodeImage(image: string): { suite: string; nodeVersion: string } {
  const [, nodeVersion, suite] = /:(\d+\.\d+\.\d+)-([a-z]+)(?:-slim)?$/.exec(image) ?? [];
  if (!nodeVersion || !suite) throw new Error(`--local-base cannot tell version and Debian release from ${image}`);
  return { nodeVersion, suite };
}

function cacheDirectory(): string {
  return join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "azure-keyvault-csi", "node-image");
}

function keyOf(base: Base): string {
  const recipe = readFileSync(import.meta.filename, "utf8");
  const certificates = base.host.caFile ? readFileSync(base.host.caFile, "utf8") : "";
  const all = JSON.stringify([base, certificates, ask("npm", "--version"), recipe]);
  return createHash("sha256").update(all).digest("hex").slice(0, 16);
}

/** A base is large, and one that is made of something else is not used again. */
function dropOthers(key: string): void {
  if (!existsSync(cacheDirectory())) return;
  for (const name of readdirSync(cacheDirectory()).filter((name) => name !== key))
    rmSync(join(cacheDirectory(), name), { recursive: true });
}

function addImage(base: Base, arch: Arch, { store, storage }: { store: string; storage: readonly string[] }): void {
  const work = join(store, `work-${arch}`);
  const tree = join(work, "tree");
  rmSync(work, { recursive: true, force: true });
  mkdirSync(tree, { recursive: true });
  if (arch === hostArch) fillNative(base, tree);
  else fillForeign(base, arch, { tree, work });
  run("tar", ["--directory", tree, "--create", "--file", join(work, "base.tar"), "."]);
  const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  writeFileSync(join(work, "Dockerfile"), `FROM scratch\nADD base.tar /\nENV PATH=${path}\n`);
  run("buildah", [...storage, "bud", "--platform", `linux/${arch}`, "--manifest", base.image, work]);
  rmSync(work, { recursive: true });
}

/** Debian, Node and npm that run here, and the way to the registries. */
function fillNative({ suite, nodeVersion, host }: Base, tree: string): void {
  run("debootstrap", ["--variant=minbase", suite, tree, ...(host.debianMirror ? [host.debianMirror] : [])]);
  const installed = "node_modules/node/bin/node";
  const found = ask(installed, "--version");
  if (found !== `v${nodeVersion}`)
    throw new Error(`${installed} is ${found ?? "missing"}, not v${nodeVersion}: npm ci`);
  placeNode(installed, tree);
  cpSync(findNpm(), join(tree, "usr/local/lib/node_modules/npm"), { recursive: true });
  symlinkSync("../lib/node_modules/npm/bin/npm-cli.js", join(tree, "usr/local/bin/npm"));
  const certificates = "/etc/ssl/certs/ca-certificates.crt";
  const npmrc = [`registry=${host.npmRegistry}`];
  if (host.caFile) {
    mkdirSync(join(tree, "etc/ssl/certs"), { recursive: true });
    cpSync(host.caFile, join(tree, certificates), { dereference: true });
    npmrc.push(`cafile=${certificates}`);
  }
  mkdirSync(join(tree, "usr/local/etc"), { recursive: true });
  writeFileSync(join(tree, "usr/local/etc/npmrc"), `${npmrc.join("\n")}\n`);
}

/** Libraries and Node to copy from; nothing of it is run, so that debootstrap's first stage is enough. */
function fillForeign(base: Base, arch: Arch, { tree, work }: { tree: string; work: string }): void {
  const { suite, nodeVersion, host } = base;
  const options = ["--foreign", `--arch=${arch}`, "--variant=minbase", "--include=libstdc++6"];
  run("debootstrap", [...options, suite, tree, ...(host.debianMirror ? [host.debianMirror] : [])]);
  const packages = join(tree, "var/cache/apt/archives");
  for (const name of readdirSync(packages).filter((name) => /^(libstdc\+\+6|libgcc-s1|libc6)_/.test(name)))
    run("dpkg-deb", ["--extract", join(packages, name), tree]);
  run("npm", ["pack", "--silent", `node-linux-${cpus[arch]}@${nodeVersion}`], work);
  run("tar", ["--extract", "--file", `node-linux-${cpus[arch]}-${nodeVersion}.tgz`, "package/bin/node"], work);
  placeNode(join(work, "package/bin/node"), tree);
}

function placeNode(binary: string, tree: string): void {
  const place = join(tree, "usr/local/bin/node");
  mkdirSync(join(tree, "usr/local/bin"), { recursive: true });
  cpSync(binary, place, { dereference: true });
  chmodSync(place, 0o755);
}
