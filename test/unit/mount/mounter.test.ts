import * as nodeFs from "node:fs";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { MountFileSystem } from "../../../src/mount/directory.ts";
import { createMounter } from "../../../src/mount/mounter.ts";
import type { Mounter } from "../../../src/ports.ts";
import type { Answers, FakeKernel } from "../../fakes/kernel.ts";
import { aDirectory, aMount, createFakeKernel } from "../../fakes/kernel.ts";

const [EPERM, ENOENT, EIO, EBUSY, EINVAL, ENOTCONN] = [1, 2, 5, 16, 22, 107];

let base: string;
let target: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "mounter-"));
  target = join(base, "pods", "uid", "mount");
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

function mounterOn(answers: Answers, fs: Partial<MountFileSystem> = {}): { mounter: Mounter; kernel: FakeKernel } {
  const kernel = createFakeKernel(answers);
  const capacity = { contentBytes: 1000, files: 2 };
  return { kernel, mounter: createMounter({ kernel, fs: { ...nodeFs, ...fs }, capacity, noswap: false }) };
}

function failing(code: string, errno: number): () => never {
  return () => {
    throw Object.assign(new Error(code), { code, errno: -errno, syscall: "scandir" });
  };
}

describe("mounting", () => {
  test("makes the target and missing parents, for kubelet's eyes only", async () => {
    await mounterOn({}).mounter.mountTmpfs(target);
    for (const path of [target, join(base, "pods", "uid"), join(base, "pods")]) {
      expect(statSync(path).mode & 0o777).toBe(0o750);
    }
  });

  test("that is not permitted is told with the remedy, and what was made is removed", async () => {
    mkdirSync(join(base, "pods"));
    const { mounter } = mounterOn({ mount: EPERM });
    await expect(mounter.mountTmpfs(target)).rejects.toMatchObject({
      reason: "MountFailed",
      message: `failed to mount tmpfs on ${target}: EPERM (operation not permitted); the plugin must run privileged`,
    });
    expect(readdirSync(join(base, "pods"))).toEqual([]);
  });

  test("that fails leaves a directory that was there before", async () => {
    mkdirSync(target, { recursive: true });
    await expect(mounterOn({ mount: EPERM }).mounter.mountTmpfs(target)).rejects.toThrow("EPERM");
    expect(readdirSync(join(base, "pods", "uid"))).toEqual(["mount"]);
  });

  test("below a file is refused, and nothing is left", async () => {
    writeFileSync(join(base, "pods"), "");
    await expect(mounterOn({}).mounter.mountTmpfs(target)).rejects.toMatchObject({
      reason: "MountFailed",
      message: expect.stringContaining("ENOTDIR") as string,
    });
    expect(readdirSync(base)).toEqual(["pods"]);
  });
});

describe("looking", () => {
  test.each(["ENOTCONN", "ESTALE", "EIO", "EACCES", "EHOSTDOWN"])(
    "a mount whose listing fails with %s is broken",
    async (code) => {
      const errno = { ENOTCONN: 107, ESTALE: 116, EIO: 5, EACCES: 13, EHOSTDOWN: 112 }[code] ?? 0;
      const { mounter } = mounterOn({ looks: [aMount] }, { readdirSync: failing(code, errno) });
      expect(await mounter.look(target)).toBe("broken");
    },
  );

  test("a mount whose listing fails otherwise is an error", async () => {
    const fs = { readdirSync: failing("ENOMEM", 12) as typeof nodeFs.readdirSync };
    await expect(mounterOn({ looks: [aMount] }, fs).mounter.look(target)).rejects.toThrow(
      `failed to list ${target}: ENOMEM`,
    );
  });

  test("a dead mount that cannot even be looked at is broken", async () => {
    expect(await mounterOn({ looks: [ENOTCONN] }).mounter.look(target)).toBe("broken");
  });

  test("an unexpected errno is told by name", async () => {
    await expect(mounterOn({ looks: [EINVAL] }).mounter.look(target)).rejects.toThrow(
      `failed to look at ${target}: EINVAL`,
    );
  });
});

describe("unmounting", () => {
  test("takes stacked mounts one by one", async () => {
    const { mounter, kernel } = mounterOn(
      { looks: [aMount, aMount, aDirectory] },
      { readdirSync: (() => []) as unknown as typeof nodeFs.readdirSync },
    );
    await mounter.unmount(target);
    expect(kernel.calls).toEqual([`umount2 ${target} 8`, `umount2 ${target} 8`]);
  });

  test("detaches what is busy", async () => {
    const { mounter, kernel } = mounterOn(
      { looks: [aMount], unmount: [EBUSY] },
      { readdirSync: (() => []) as unknown as typeof nodeFs.readdirSync },
    );
    await mounter.unmount(target);
    expect(kernel.calls).toEqual([`umount2 ${target} 8`, `umount2 ${target} 10`]);
  });

  test("detaches a broken mount at once, since an ordinary unmount would wait for its server", async () => {
    const { mounter, kernel } = mounterOn({ looks: [EIO] });
    await mounter.unmount(target);
    expect(kernel.calls).toEqual([`umount2 ${target} 10`]);
  });

  test("that is refused is told", async () => {
    const { mounter } = mounterOn({ looks: [EIO], unmount: [EPERM] });
    await expect(mounter.unmount(target)).rejects.toMatchObject({
      reason: "MountFailed",
      message: `failed to unmount ${target}: EPERM (operation not permitted); the plugin must run privileged`,
    });
  });

  test("of what is absent is success", async () => {
    const { mounter, kernel } = mounterOn({ looks: [ENOENT] });
    await mounter.unmount(target);
    expect(kernel.calls).toEqual([]);
  });
});
