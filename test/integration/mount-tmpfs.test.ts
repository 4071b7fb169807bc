import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createVolumeFiles } from "../../src/files/volume-files.ts";
import { loadKernel } from "../../src/mount/kernel.ts";
import type { Kernel } from "../../src/mount/kernel.ts";
import { createMounter } from "../../src/mount/mounter.ts";
import { hasNoswap } from "../../src/mount/tmpfs.ts";
import { defaultMaxContentBytes, maxFiles, parsePayload } from "../../src/volume/payload.ts";
import { cannotActAsRealRoot, cannotMount } from "../fakes/mount-rights.ts";
import { bindMount, createGround, mountTmpfsOn } from "../fakes/volume-directory.ts";
import type { Ground } from "../fakes/volume-directory.ts";

const capacity = { contentBytes: defaultMaxContentBytes, files: maxFiles };
const kernel = await loadKernel();
const isRealRoot = cannotActAsRealRoot === "" ? " (skipped: this is the initial user namespace)" : "";

/** The lines of mountinfo for one mount point, uppermost last. */
function mountsOn(target: string): readonly string[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return lines.filter((line) => line.split(" ")[4] === target);
}

describe.skipIf(cannotMount)(`mounting${cannotMount}`, () => {
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

  test("what was mounted has a cap, no setuid, no devices, and is for root to write", async () => {
    await mounter.mountTmpfs(target);
    const [line, ...others] = mountsOn(target);
    expect(others).toEqual([]);
    const [before = "", after = ""] = line?.split(" - ") ?? [];
    expect(before.split(" ")[5]).toBe("rw,nosuid,nodev,relatime");
    expect(after).toMatch(/^tmpfs tmpfs rw,/);
    const kibibytes = (2 * capacity.contentBytes + 3 * capacity.files * kernel.pageSize) / 1024;
    expect(after.split(" ")[2]?.split(",")).toEqual(expect.arrayContaining([`size=${kibibytes}k`, "mode=755"]));
    expect(statSync(target)).toMatchObject({ mode: 0o40755, uid: 0, gid: 0 });
    expect(await mounter.look(target)).toBe("mounted");
  });

  test("a volume at its limits fits, and fits again beside its old content", async () => {
    await mounter.mountTmpfs(target);
    const bytes = Math.floor(capacity.contentBytes / capacity.files);
    const full = (filler: number): ReturnType<typeof parsePayload> =>
      parsePayload(
        Array.from({ length: capacity.files }, (_, index) => {
          const name = `${index}`.padStart(255, "n");
          return { path: index % 2 ? name : `${name}/${name}`, mode: 0o644, contents: Buffer.alloc(bytes, filler) };
        }),
      );
    const files = createVolumeFiles();
    for (const filler of [1, 2, 3]) expect(await files.write(target, full(filler))).toBe("changed");
    expect(await files.write(target, full(3))).toBe("unchanged");
    expect(() => {
      writeFileSync(join(target, "more"), Buffer.alloc(3 * capacity.contentBytes));
    }).toThrow("ENOSPC");
  });

  test.skipIf(cannotActAsRealRoot)(
    `secrets stay out of swap where the kernel can do that${cannotActAsRealRoot}`,
    async () => {
      const [major = 0, minor = 0] = readFileSync("/proc/sys/kernel/osrelease", "utf8").split(".").map(Number);
      const noswap = hasNoswap(kernel, ground.base);
      expect(noswap).toBe(major > 6 || (major === 6 && minor >= 4));
      await createMounter({ kernel, capacity, noswap }).mountTmpfs(target);
      expect(mountsOn(target).join("").includes("noswap")).toBe(noswap);
    },
  );

  test.skipIf(isRealRoot)(`in a user namespace noswap is refused, and that is told as no${isRealRoot}`, () => {
    expect(hasNoswap(kernel, ground.base)).toBe(false);
  });

  test("the trial mount leaves nothing, and a place where it cannot stand is told", () => {
    const before = readFileSync("/proc/self/mountinfo", "utf8");
    hasNoswap(kernel, ground.canary);
    expect(readdirSync(ground.canary).sort()).toEqual(["inner", "secret"]);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).toBe(before);
    expect(() => hasNoswap(kernel, join(ground.base, "nothing"))).toThrow("ENOENT");
  });

  describe("a target", () => {
    test("that does not exist is absent, and so is one below nothing", async () => {
      expect(await mounter.look(target)).toBe("absent");
    });

    test("that is a plain directory of a tmpfs is a directory", async () => {
      mkdirSync(target, { recursive: true });
      expect(await mounter.look(target)).toBe("directory");
    });

    test("on which somebody bind-mounted a directory of the same filesystem is mounted", async () => {
      mkdirSync(target, { recursive: true });
      bindMount(ground.canary, target);
      expect(await mounter.look(target)).toBe("mounted");
    });

    test("that is a link, even to a mount, is refused by every call", async () => {
      mkdirSync(join(target, ".."), { recursive: true });
      mkdirSync(join(ground.base, "elsewhere"));
      mountTmpfsOn(join(ground.base, "elsewhere"));
      symlinkSync(join(ground.base, "elsewhere"), target);
      for (const call of ["look", "mountTmpfs", "unmount"] as const) {
        await expect(mounter[call](target)).rejects.toMatchObject({
          reason: "MountFailed",
          message: `the target ${target} is a symbolic link and not a directory; remove it`,
        });
      }
      expect(mountsOn(join(ground.base, "elsewhere"))).toHaveLength(1);
      expect(readlinkSync(target)).toBe(join(ground.base, "elsewhere"));
    });

    test("that is a file is refused by every call", async () => {
      mkdirSync(join(target, ".."), { recursive: true });
      writeFileSync(target, "file");
      for (const call of ["look", "mountTmpfs", "unmount"] as const) {
        await expect(mounter[call](target)).rejects.toThrow(`the target ${target} is a file and not a directory`);
      }
      expect(readFileSync(target, "utf8")).toBe("file");
    });
  });

  describe("where the kernel cannot say what is a mount", () => {
    const olderKernel: Kernel = {
      ...kernel,
      statx: (path) => {
        const facts = kernel.statx(path);
        return typeof facts === "number" ? facts : { ...facts, isMountRoot: undefined };
      },
    };
    const older = createMounter({ kernel: olderKernel, capacity, noswap: false });

    test("a tmpfs is still told from a plain directory of a tmpfs", async () => {
      mkdirSync(target, { recursive: true });
      expect(await older.look(target)).toBe("directory");
      await older.mountTmpfs(target);
      expect(await older.look(target)).toBe("mounted");
      await older.unmount(target);
      expect(await older.look(target)).toBe("absent");
    });
  });
});

test.skipIf(cannotActAsRealRoot)(
  `without the right to mount the error says what is missing${cannotActAsRealRoot}`,
  () => {
    const script = `
    import { loadKernel } from "./src/mount/kernel.ts";
    import { createMounter } from "./src/mount/mounter.ts";
    if (process.getuid() === 0) {
      process.setgid(65534);
      process.setuid(65534);
    }
    const mounter = createMounter({ kernel: await loadKernel(), capacity: { contentBytes: 1, files: 1 }, noswap: false });
    await mounter.mountTmpfs("/dev/shm/unprivileged-" + process.pid).catch((error) => console.log(error.message));
  `;
    const run = execFileSync(process.execPath, ["--input-type=module-typescript", "-e", script], { encoding: "utf8" });
    expect(run).toMatch(
      /^failed to mount tmpfs on \/dev\/shm\/unprivileged-\d+: EPERM .*; the plugin must run privileged$/m,
    );
  },
);
