import * as nodeFs from "node:fs";
import { readdirSync, readFileSync, readlinkSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FileSystem } from "../../src/files/file-system.ts";
import { createVolumeFiles } from "../../src/files/volume-files.ts";
import { arrangeHealthy, hostilities } from "../fakes/hostile-volume.ts";
import { cannotActAsRealRoot, cannotMount } from "../fakes/mount-rights.ts";
import { payloadOf } from "../fakes/payload.ts";
import { createGround, openDescriptors, visibleFiles } from "../fakes/volume-directory.ts";
import type { Ground } from "../fakes/volume-directory.ts";

const cases = hostilities.flatMap((hostility) => {
  const cannot = hostility.needsRealRoot === true ? cannotActAsRealRoot : "";
  const setting = { ...hostility, kind: `${hostility.kind}${cannot}`, cannot };
  return (["directory", "tmpfs"] as const).map((volumeIs) => ({ ...setting, volumeIs }));
});
const possible = cases.filter(({ cannot }) => cannot === "");

describe.skipIf(cannotMount)(`what an attacker left in a volume${cannotMount}`, () => {
  const files = createVolumeFiles();
  const wanted = { a: "1", "d/x": "2", "e/f/g": "3" };
  let ground: Ground;
  let canary: readonly string[];
  let descriptors: number;

  function start({ arrange, volumeIs }: (typeof cases)[number]): void {
    ground = createGround(volumeIs);
    arrangeHealthy(ground);
    arrange(ground);
    canary = ground.canaryState();
    descriptors = openDescriptors();
  }

  function finish(): void {
    expect(ground.canaryState()).toEqual(canary);
    expect(openDescriptors()).toBe(descriptors);
    ground.remove();
  }

  for (const { kind, volumeIs } of cases.filter(({ cannot }) => cannot !== "")) {
    test.skip(`${kind}, in a volume that is a ${volumeIs}`);
  }

  describe.each(possible.filter(({ isMount }) => isMount !== true))(
    "$kind, in a volume that is a $volumeIs",
    (setting) => {
      beforeEach(() => {
        start(setting);
      });
      afterEach(finish);

      test("is replaced by exactly what is written", async () => {
        expect(await files.write(ground.volume, payloadOf(wanted))).toBe("changed");
        expect(visibleFiles(ground.volume)).toEqual(wanted);
        const version = readlinkSync(join(ground.volume, "..data"));
        expect(readdirSync(ground.volume).sort()).toEqual(["..data", version, "a", "d", "e"].sort());
      });

      test("is put right even when the same content is written", async () => {
        await files.write(ground.volume, payloadOf({ a: "1", "d/x": "2" }));
        expect(visibleFiles(ground.volume)).toEqual({ a: "1", "d/x": "2" });
        expect(readdirSync(ground.volume)).toHaveLength(4);
        expect(await files.write(ground.volume, payloadOf({ a: "1", "d/x": "2" }))).toBe("unchanged");
      });

      test("is removed by clearing", async () => {
        await files.clear(ground.volume);
        expect(readdirSync(ground.volume)).toEqual([]);
      });

      test("can be asked whether it is populated", async () => {
        expect(await files.isPopulated(ground.volume)).toBeTypeOf("boolean");
      });
    },
  );

  describe.each(possible.filter(({ isMount }) => isMount))("$kind, in a volume that is a $volumeIs", (setting) => {
    beforeEach(() => {
      start(setting);
    });
    afterEach(finish);

    test("stays, and the write says so", async () => {
      await expect(files.write(ground.volume, payloadOf(wanted))).rejects.toMatchObject({
        reason: "FileWriteError",
        message: expect.stringMatching(
          /^failed to (remove|move) ".+": EBUSY .*; unmount what is mounted inside the volume$/,
        ) as string,
      });
    });

    test("is left alone by clearing", async () => {
      await files.clear(ground.volume);
      expect(readFileSync("/proc/self/mountinfo", "utf8")).toContain(` ${ground.volume}/`);
    });

    test("can be asked whether it is populated", async () => {
      expect(await files.isPopulated(ground.volume)).toBeTypeOf("boolean");
    });
  });

  test("a mount inside a leftover does not keep new content from being seen, nor equal content from being equal", async () => {
    ground = createGround();
    arrangeHealthy(ground);
    hostilities.find(({ kind }) => kind.includes("mounted in a leftover"))?.arrange(ground);
    await expect(files.write(ground.volume, payloadOf(wanted))).rejects.toThrow("EBUSY");
    expect(visibleFiles(ground.volume)).toEqual(wanted);
    const version = readlinkSync(join(ground.volume, "..data"));
    await expect(files.write(ground.volume, payloadOf(wanted))).rejects.toThrow("EBUSY");
    expect(readlinkSync(join(ground.volume, "..data"))).toBe(version);
    ground.remove();
  });

  test("a mount in the way of a visible link fails the write before anything is switched", async () => {
    ground = createGround();
    arrangeHealthy(ground);
    hostilities.find(({ kind }) => kind.includes("in place of a visible link"))?.arrange(ground);
    const before = readdirSync(ground.volume).sort();
    await expect(files.write(ground.volume, payloadOf({ ...wanted, b: "4" }))).rejects.toThrow("EBUSY");
    expect(readdirSync(ground.volume).sort()).toEqual(before);
    expect(readlinkSync(join(ground.volume, "..data"))).toBe("..v");
    ground.remove();
  });

  test("what is put in the way while a version is filled is set aside like what stood there before", async () => {
    ground = createGround();
    const busy = createVolumeFiles({ fs: planting(join(ground.volume, "a")) });
    expect(await busy.write(ground.volume, payloadOf(wanted))).toBe("changed");
    expect(visibleFiles(ground.volume)).toEqual(wanted);
    expect(readdirSync(ground.volume)).toHaveLength(5);
    ground.remove();
  });

  test.each(["isPopulated", "write", "clear"] as const)(
    "a target that is itself a link is refused by %s",
    async (call) => {
      const ground = createGround("directory");
      const canary = ground.canaryState();
      const link = join(ground.base, "link");
      symlinkSync("canary", link);
      await expect(files[call](link, payloadOf(wanted))).rejects.toMatchObject({
        reason: "FileWriteError",
        message: expect.stringContaining("ENOTDIR") as string,
      });
      expect(ground.canaryState()).toEqual(canary);
      ground.remove();
    },
  );
});

/** node:fs, with somebody beside it who plants a file once a file of a new version is written. */
function planting(path: string): FileSystem {
  const writeAndPlant = (...args: Parameters<typeof nodeFs.writeFileSync>): void => {
    nodeFs.writeFileSync(...args);
    if (!nodeFs.existsSync(path)) nodeFs.writeFileSync(path, "planted");
  };
  return { ...nodeFs, writeFileSync: writeAndPlant };
}
