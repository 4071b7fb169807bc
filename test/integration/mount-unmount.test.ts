import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createVolumeFiles } from "../../src/files/volume-files.ts";
import { loadKernel } from "../../src/mount/kernel.ts";
import { createMounter } from "../../src/mount/mounter.ts";
import { defaultMaxContentBytes, maxFiles, parsePayload } from "../../src/volume/payload.ts";
import { cannotActAsRealRoot, cannotMount } from "../fakes/mount-rights.ts";
import { bindMount, createGround, mountTmpfsOn, openDescriptors } from "../fakes/volume-directory.ts";
import type { Ground } from "../fakes/volume-directory.ts";

const capacity = { contentBytes: defaultMaxContentBytes, files: maxFiles };
const kernel = await loadKernel();

/** The lines of mountinfo for one mount point, uppermost last. */
function mountsOn(target: string): readonly string[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return lines.filter((line) => line.split(" ")[4] === target);
}

describe.skipIf(cannotMount)(`unmounting${cannotMount}`, () => {
  const mounter = createMounter({ kernel, capacity, noswap: false });
  let ground: Ground;
  let target: string;

  beforeEach(() => {
    ground = createGround("directory");
    target = join(ground.base, "pods/uid/mount");
  });
  afterEach(() => {
    ground.remove();
  });

  test("takes the mount and the directory, and a second time is success", async () => {
    await mounter.mountTmpfs(target);
    writeFileSync(join(target, "file"), "x");
    await mounter.unmount(target);
    expect(mountsOn(target)).toEqual([]);
    expect(existsSync(target)).toBe(false);
    await mounter.unmount(target);
  });

  test("takes every one of stacked mounts", async () => {
    await mounter.mountTmpfs(target);
    for (let layer = 0; layer < 3; layer++) mountTmpfsOn(target);
    await mounter.unmount(target);
    expect(mountsOn(target)).toEqual([]);
    expect(existsSync(target)).toBe(false);
  });

  test("takes a mount that is in use, and what is mounted inside", async () => {
    await mounter.mountTmpfs(target);
    writeFileSync(join(target, "file"), "x");
    mkdirSync(join(target, "inner"));
    bindMount(ground.canary, join(target, "inner"));
    const canary = ground.canaryState();
    const fd = openSync(join(target, "file"), "r");
    await mounter.unmount(target);
    expect(readFileSync(fd, "utf8")).toBe("x");
    closeSync(fd);
    expect(mountsOn(target)).toEqual([]);
    expect(existsSync(target)).toBe(false);
    expect(ground.canaryState()).toEqual(canary);
  });

  test("of a bind mount leaves what was shown there", async () => {
    mkdirSync(target, { recursive: true });
    bindMount(ground.canary, target);
    const canary = ground.canaryState();
    await mounter.unmount(target);
    expect(ground.canaryState()).toEqual(canary);
    expect(existsSync(target)).toBe(false);
  });

  test("of a plain empty directory removes it", async () => {
    mkdirSync(target, { recursive: true });
    await mounter.unmount(target);
    expect(existsSync(target)).toBe(false);
  });

  test.each([
    [
      "a file",
      (path: string) => {
        writeFileSync(join(path, "file"), "x");
      },
    ],
    [
      "a mount",
      (path: string) => {
        mkdirSync(join(path, "inner"));
        mountTmpfsOn(join(path, "inner"));
      },
    ],
  ])("of a plain directory with %s in it is an error that says why", async (_, put) => {
    mkdirSync(target, { recursive: true });
    put(target);
    await expect(mounter.unmount(target)).rejects.toMatchObject({
      reason: "MountFailed",
      message: expect.stringMatching(
        /^failed to remove .*: ENOTEMPTY .*; something is left in it or mounted below it/,
      ) as string,
    });
  });

  const cannotFuse =
    existsSync("/dev/fuse") && cannotActAsRealRoot === "" ? "" : " (skipped: needs /dev/fuse and real root)";
  test.skipIf(cannotFuse)(`a mount whose server died is broken, and is unmounted${cannotFuse}`, async () => {
    mkdirSync(target, { recursive: true });
    const server = openSync("/dev/fuse", "r+");
    expect(kernel.mount("fuse", target, 0, `fd=${server},rootmode=40000,user_id=0,group_id=0`)).toBe(0);
    closeSync(server);
    expect(await mounter.look(target)).toBe("broken");
    await mounter.unmount(target);
    expect(await mounter.look(target)).toBe("absent");
  });

  test("a volume's whole life leaves no descriptor and no mount", async () => {
    const files = createVolumeFiles();
    const descriptors = openDescriptors();
    const mounts = readFileSync("/proc/self/mountinfo", "utf8");
    for (let life = 0; life < 20; life++) {
      await mounter.mountTmpfs(target);
      await files.write(target, parsePayload([{ path: "a/b", mode: 0o644, contents: Buffer.from(`${life}`) }]));
      await files.clear(target);
      await mounter.unmount(target);
    }
    expect(openDescriptors()).toBe(descriptors);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).toBe(mounts);
  });
});
