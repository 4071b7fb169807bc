import { execFileSync, spawnSync } from "node:child_process";
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createClient } from "../../src/grpc/client.ts";
import { cannotActAsRealRoot, cannotMount } from "../fakes/mount-rights.ts";
import { startProviderWorld } from "../fakes/provider-world.ts";
import { startWorld, type PluginProcess, type World } from "../fakes/world.ts";
import { createContainer, type Container } from "./container.ts";
import { unpackImage, type UnpackedImage } from "./unpack.ts";

const cannot = cannotMount || cannotActAsRealRoot;
const node = [
  "/usr/local/bin/node",
  "--disable-sigusr1",
  "--expose-gc",
  "--max-semi-space-size=1",
  "--max-old-space-size=64",
];
const project = JSON.parse(readFileSync("package.json", "utf8")) as {
  version: string;
  devDependencies: { node: string };
};

describe.skipIf(cannot)(`the image${cannot}`, () => {
  let dir: string;
  let image: UnpackedImage;
  let paths: readonly string[];
  let container: Container;
  const plugins: PluginProcess[] = [];

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "akv-image-"));
    image = unpackImage(process.env["IMAGE_ARCHIVE"] ?? build(join(dir, "image.tar")), dir);
    paths = readdirSync(image.root, { recursive: true, encoding: "utf8" }).sort();
    container = createContainer(image, dir);
  }, 600_000);
  afterAll(() => {
    container.close();
    rmSync(dir, { recursive: true });
  });

  const files = () => paths.filter((path) => !lstatSync(join(image.root, path)).isDirectory());
  const runInside = (args: readonly string[], env: readonly string[] = []) => {
    const [program, ...rest] = container.command(args, env);
    return spawnSync(program, rest, { encoding: "utf8" });
  };

  test("it takes less than 140 MB unpacked", () => {
    const bytes = files().reduce((sum, path) => sum + lstatSync(join(image.root, path)).size, 0);
    console.log(`unpacked: ${(bytes / 1e6).toFixed(1)} MB`);
    expect(bytes).toBeLessThan(140e6);
  });

  test("beside the program it holds Node, its libraries and three lines of /etc: no shell, no package manager", () => {
    const arm = image.architecture === "arm64";
    const triplet = arm ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
    const loaders = arm ? "lib" : "lib64";
    expect(paths.filter((path) => !path.includes("/"))).toEqual([...new Set(["app", "etc", "lib", loaders, "usr"])]);
    const libraries = ["libc.so.6", "libdl.so.2", "libgcc_s.so.1", "libm.so.6", "libpthread.so.0", "libstdc++.so.6"];
    expect(files().filter((path) => !path.startsWith("app/"))).toEqual(
      [
        ...["etc/group", "etc/nsswitch.conf", "etc/passwd", "usr/local/bin/node"],
        `${loaders}/ld-linux-${arm ? "aarch64.so.1" : "x86-64.so.2"}`,
        ...libraries.map((name) => `lib/${triplet}/${name}`),
      ].sort(),
    );
  });

  test("the program is its scripts, their code cache, and what koffi loads", () => {
    const kinds = /^app\/([^/]+\.js|cache\/.+|node_modules\/(koffi|@koromix\/koffi-linux-[^/]+)\/.+)$/;
    expect(files().filter((path) => path.startsWith("app/") && !kinds.test(path))).toEqual([]);
    expect(files().filter((path) => path.endsWith(".node"))).toHaveLength(1);
    expect(files().filter((path) => /\.(cc|hh|inc|map|ts)$/.test(path))).toEqual(["app/node_modules/koffi/index.d.ts"]);
  });

  test("nothing is setuid or setgid, or writable to others, and all is root's", () => {
    const doubtful = paths.filter((path) => {
      const { mode, uid, gid } = lstatSync(join(image.root, path));
      return (mode & 0o6002) !== 0 || uid !== 0 || gid !== 0;
    });
    expect(doubtful).toEqual([]);
  });

  test("it starts the command node with a small heap and an environment of its own; flags come after", () => {
    expect(image.entrypoint).toEqual([...node, "/app/main.js", "node"]);
    // Some engines add a PATH.
    expect(image.env.filter((variable) => !variable.startsWith("PATH="))).toEqual([
      "NODE_ENV=production",
      "NODE_COMPILE_CACHE=/app/cache",
      "MALLOC_ARENA_MAX=2",
      "UV_THREADPOOL_SIZE=16",
    ]);
    expect(image.labels).toMatchObject({
      "org.opencontainers.image.title": "azure-keyvault-csi",
      "org.opencontainers.image.version": project.version,
    });
  });

  test("it runs the Node that everything is tested with", () => {
    expect(runInside([...node, "--version"]).stdout.trim()).toBe(`v${project.devDependencies.node}`);
  });

  test("on a read-only root it tells version and commit", () => {
    const { stdout, stderr } = runInside([...image.entrypoint, "--version"]);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toMatchObject({
      BuildVersion: `v${project.version}`,
      GitCommit: expect.stringMatching(/^[0-9a-f]{40}$/) as string,
    });
  });

  test("its code cache is accepted by V8 on a machine like that of the build", () => {
    const { stderr } = runInside([...image.entrypoint, "--version"], ["NODE_DEBUG_NATIVE=COMPILE_CACHE"]);
    for (const script of ["main.js", "node.js"]) expect(stderr).toMatch(new RegExp(`/app/${script}.* was accepted`));
    // Each script that it loads is one of several: what an entry point imports is the larger part.
    const loaded = new Set([...stderr.matchAll(/\/app\/([\w-]+\.js)/g)].map(([, script]) => script));
    const accepted = new Set([...stderr.matchAll(/\/app\/([\w-]+\.js).* was accepted/g)].map(([, script]) => script));
    expect([...loaded].filter((script) => !accepted.has(script))).toEqual([]);
    expect(loaded.size).toBeGreaterThan(5);
    expect(stderr).not.toMatch(/was rejected/);
    const provider = runInside(
      [...image.entrypoint.slice(0, -1), "provider", "--version"],
      ["NODE_DEBUG_NATIVE=COMPILE_CACHE"],
    );
    expect(provider.stderr).toMatch(/\/app\/provider.js.* was accepted/);
  });

  test("the provider alone answers the established driver from it", async () => {
    const containers: Container[] = [];
    const azure = await startProviderWorld([], (world) => {
      const inside = createContainer(image, dir, [world]);
      containers.push(inside);
      return inside.command(image.entrypoint.slice(0, -1), [`NODE_EXTRA_CA_CERTS=${world}/emulator/ca.pem`]);
    });
    azure.world.emulator.vaults.named("demo-vault").setSecret("DemoSecret", "from the image");
    const { files } = await azure.driver.mount(azure.messageOf());
    expect(files.map(({ contents }) => contents.toString())).toEqual(["from the image"]);
    expect(await (await fetch(azure.healthUrl)).text()).toBe("ok");
    expect(await azure.process.stop()).toBe(0);
    for (const inside of containers) inside.close();
    await azure.close();
  });

  test("a pod's volume is published and unpublished by it", async () => {
    const world = await startWorld();
    const inside = createContainer(image, dir, [world.dir]);
    console.log(`start to Probe: ${await startAndProbe(world, inside, plugins)} ms`);

    world.emulator.vaults.named("demo-vault").setSecret("DemoSecret", "from the image");
    await world.createPod({ pod: "imaged" });
    const [target = ""] = await world.kubelet.publish("imaged");
    expect(await readFile(join(target, "DemoSecret"), "utf8")).toBe("from the image");
    await world.kubelet.unpublish("imaged");
    expect(await world.mounts()).toEqual([]);
    expect(await plugins.pop()?.stop()).toBe(0);
    inside.close();
    await world.close();
  });

  test("it answers Probe on a node where nothing of it is in the page cache", async () => {
    const world = await startWorld();
    const inside = createContainer(image, dir, [world.dir]);
    execFileSync("sync", ["--file-system", image.root]);
    const regular = files()
      .map((path) => join(image.root, path))
      .filter((path) => lstatSync(path).isFile());
    for (const path of regular) execFileSync("dd", [`if=${path}`, "iflag=nocache", "count=0", "status=none"]);
    const left = cachedBytes(regular) / 1_048_576;
    console.log(
      `start to Probe from a cold page cache: ${await startAndProbe(world, inside, plugins)} ms; ${left.toFixed(1)} MiB of the image were cached all the same`,
    );
    expect(await plugins.pop()?.stop()).toBe(0);
    inside.close();
    await world.close();
  });

  /** Resolves to the milliseconds from the start of the process to its answer. */
  async function startAndProbe(world: World, inside: Container, started: PluginProcess[]): Promise<number> {
    const command = inside.command(image.entrypoint.slice(0, -1), [`NODE_EXTRA_CA_CERTS=${world.dir}/emulator/ca.pem`]);
    const startedAt = performance.now();
    started.push(await world.startPlugin({ command }));
    const client = createClient(world.socketPath);
    expect(await client.identity.probe()).toEqual({ ready: { value: true } });
    client.close();
    return Math.round(performance.now() - startedAt);
  }
});

function build(archive: string): string {
  const options = ["--local-base", "--output", archive];
  execFileSync(process.execPath, ["scripts/image.ts", ...options], { stdio: ["ignore", 2, 2] });
  return archive;
}

/** How much of the files is in the page cache. */
function cachedBytes(files: readonly string[]): number {
  const sizes = execFileSync("fincore", ["--bytes", "--noheadings", "--output", "RES", ...files], { encoding: "utf8" });
  return sizes.split("\n").reduce((sum, size) => sum + Number(size), 0);
}
