import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundle } from "../../scripts/bundle.ts";
import { cannotMount } from "../fakes/mount-rights.ts";
import { startWorld, type PluginProcess, type World } from "../fakes/world.ts";

const UNAVAILABLE = 14;
/** Bundled, since many processes are started; below node_modules, where koffi is found. */
const crashRootDir = "node_modules/.crash-root";

const objects = `array:
  - |
    objectName: First
    objectType: secret
  - |
    objectName: Second
    objectType: secret
    filePermission: "0400"
  - |
    objectName: Third
    objectType: secret
    objectAlias: dir/inner/third
`;

/** What the volume of every pod here holds: path, mode, text. */
const wanted = [
  ["First", 0o644, "first value"],
  ["Second", 0o400, "second value"],
  ["dir/inner/third", 0o644, "third value"],
] as const;

describe.skipIf(cannotMount)(`a plugin that is killed while it publishes${cannotMount}`, () => {
  let world: World;
  /** Of a publish that nobody disturbs. */
  let steps: readonly string[];
  let runs = 0;

  beforeAll(async () => {
    await bundle({ "crash-root": "test/fakes/crash-root.ts" }, crashRootDir);
    world = await startWorld();
    const vault = world.emulator.vaults.named("demo-vault");
    for (const name of ["First", "Second", "Third"]) vault.setSecret(name, `${name.toLowerCase()} value`);
    await world.createPod({ pod: "undisturbed", objects });
    steps = await stepsOfPublish("undisturbed");
    await takeOver(["undisturbed"]);
  });
  afterAll(() => world.close());

  const startCrashRoot = (env: NodeJS.ProcessEnv): Promise<PluginProcess> =>
    world.startPlugin({ command: [process.execPath, `${crashRootDir}/crash-root.js`], env });

  async function stepsOfPublish(pod: string): Promise<readonly string[]> {
    const file = join(world.dir, `steps-${++runs}`);
    const root = await startCrashRoot({ STEPS_FILE: file });
    try {
      await world.kubelet.publish(pod);
    } finally {
      expect(await root.stop()).toBe(0);
    }
    return (await readFile(file, "utf8")).trim().split("\n");
  }

  /** A publish by a process that is killed right before its n-th step. */
  async function publishKilledAt(pod: string, step: number): Promise<void> {
    const root = await startCrashRoot({ KILL_AT: String(step) });
    try {
      await expect(world.kubelet.publish(pod)).rejects.toMatchObject({ code: UNAVAILABLE });
    } finally {
      await root.stop();
    }
    expect(root.child.signalCode).toBe("SIGKILL");
  }

  /** The real program publishes each of the volumes again, and then unpublishes it. */
  async function takeOver(pods: readonly string[]): Promise<void> {
    const program = await world.startPlugin({});
    try {
      for (const pod of pods) {
        await world.kubelet.publish(pod);
        await expectComplete(pod);
        await world.kubelet.unpublish(pod);
        await expectGone(pod);
      }
    } finally {
      expect(await program.stop()).toBe(0);
    }
  }

  const inCluster = (plural: string, name: string) =>
    world.emulator.cluster.get({ plural, namespace: "default", name });
  const mountsAt = async (target: string) => (await world.mounts()).filter((line) => line.split(" ")[4] === target);

  async function expectComplete(pod: string): Promise<void> {
    const target = await world.targetOf(pod);
    expect(treeOf(target)).toEqual(wantedTree(target));
    for (const [path, mode, text] of wanted) {
      expect(readFileSync(join(target, path), "utf8")).toBe(text);
      expect((statSync(join(target, path)).mode & 0o7777).toString(8)).toBe(mode.toString(8));
    }
    expect(await mountsAt(target)).toHaveLength(1);
    await expectReported(pod, target);
  }

  async function expectReported(pod: string, target: string): Promise<void> {
    const status = await inCluster("secretproviderclasspodstatuses", `${pod}-default-${pod}`);
    const uid = (await inCluster("pods", pod))?.metadata.uid;
    expect(uid).toMatch(/./);
    expect(status?.metadata).toMatchObject({ ownerReferences: [{ kind: "Pod", name: pod, uid }] });
    const version = expect.stringMatching(/^[0-9a-f]{32}$/) as string;
    expect(status?.["status"]).toEqual({
      podName: pod,
      secretProviderClassName: pod,
      mounted: true,
      targetPath: target,
      objects: ["First", "Second", "Third"].map((name) => ({ id: `secret/${name}`, version })),
    });
  }

  async function expectGone(pod: string): Promise<void> {
    const target = await world.targetOf(pod);
    expect(await mountsAt(target)).toEqual([]);
    expect(existsSync(dirname(target))).toBe(false);
  }

  test("before any one of its steps: the next publish gives a complete volume and its status", async () => {
    expect(steps).toEqual(expect.arrayContaining(["kernel.mount", "provider.fetch", "files.renameSync"]));
    expect(steps.at(-1)).toBe("statuses.apply answered");
    const pods = steps.map((_, index) => `killed-at-${index + 1}`);
    for (const [index, pod] of pods.entries()) {
      await world.createPod({ pod, objects });
      await publishKilledAt(pod, index + 1);
    }
    await takeOver(pods);
  });

  test.each(["kernel.mount", "files.renameSync", "statuses.apply"])(
    "before %s, and once more while it makes up for that: still a complete volume in the end",
    async (name) => {
      const first = steps.indexOf(name) + 1;
      const learning = `learn-${first}`;
      await world.createPod({ pod: learning, objects });
      await publishKilledAt(learning, first);
      const again = await stepsOfPublish(learning);
      const pods = [learning];
      for (const second of sampled(again)) {
        const pod = `killed-at-${first}-and-${second}`;
        await world.createPod({ pod, objects });
        await publishKilledAt(pod, first);
        await publishKilledAt(pod, second);
        pods.push(pod);
      }
      await takeOver(pods);
    },
  );

  test("between files and status: the files are whole, and the status comes with the next publish", async () => {
    const pod = "unreported";
    await world.createPod({ pod, objects });
    await publishKilledAt(pod, steps.indexOf("statuses.apply") + 1);
    const target = await world.targetOf(pod);
    expect(treeOf(target)).toEqual(wantedTree(target));
    expect(await world.podStatus(pod)).toBeUndefined();
    await takeOver([pod]);
  });
});

/** Every entry below a directory; what a link leads to is told and not entered. */
function treeOf(directory: string, prefix = ""): readonly string[] {
  return readdirSync(directory, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(directory, entry.name);
      const name = `${prefix}${entry.name}`;
      if (entry.isSymbolicLink()) return [`${name} -> ${readlinkSync(path)}`];
      return entry.isDirectory() ? [name, ...treeOf(path, `${name}/`)] : [name];
    })
    .sort();
}

/** One version, the link to it, a link per first component, and nothing else. */
function wantedTree(target: string): readonly string[] {
  const version = readlinkSync(join(target, "..data"));
  const inside = ["", "/First", "/Second", "/dir", "/dir/inner", "/dir/inner/third"].map((path) => version + path);
  const links = ["First", "Second", "dir"].map((name) => `${name} -> ..data/${name}`);
  return [`..data -> ${version}`, ...inside, ...links].sort();
}

/** The numbers of a few steps: the last one, and others evenly spread. */
function sampled(steps: readonly string[]): readonly number[] {
  return [...new Set([0.4, 0.8, 1].map((part) => Math.ceil(steps.length * part)))];
}
