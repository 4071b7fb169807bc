import { mkdirSync, readFileSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createVolumeFiles } from "../../src/files/volume-files.ts";
import { cannotMount } from "../fakes/mount-rights.ts";
import { payloadOf } from "../fakes/payload.ts";
import { createGround, describeTree, openDescriptors, visibleFiles } from "../fakes/volume-directory.ts";
import type { Ground } from "../fakes/volume-directory.ts";

describe.skipIf(cannotMount)(`the files of a volume that others touched too${cannotMount}`, () => {
  const files = createVolumeFiles({ clock: () => new Date("2026-01-02T15:04:05Z") });
  let ground: Ground;
  let volume: string;
  const at = (path: string): string => join(volume, path);

  beforeEach(() => {
    ground = createGround();
    ({ volume } = ground);
  });
  afterEach(() => {
    ground.remove();
  });

  test("plain files of another provider give way where they stand in the way, and stay elsewhere", async () => {
    mkdirSync(at("d"));
    for (const path of ["a", "d/x", "other"]) writeFileSync(at(path), "plain");
    await files.write(volume, payloadOf({ a: "1", "d/x": "2" }));
    expect(visibleFiles(volume)).toEqual({ a: "1", "d/x": "2", other: "plain" });
    expect(await files.write(volume, payloadOf({ a: "1", "d/x": "2" }))).toBe("unchanged");
  });

  test("a volume that the established driver wrote is taken over in place", async () => {
    mkdirSync(at("..2026_01_01_00_00_00.42/d"), { recursive: true });
    writeFileSync(at("..2026_01_01_00_00_00.42/a"), "1");
    writeFileSync(at("..2026_01_01_00_00_00.42/d/x"), "2");
    symlinkSync("..2026_01_01_00_00_00.42", at("..data"));
    symlinkSync("..data/a", at("a"));
    symlinkSync("..data/d", at("d"));
    expect(await files.isPopulated(volume)).toBe(true);
    const before = describeTree(volume);
    expect(await files.write(volume, payloadOf({ a: "1", "d/x": "2" }))).toBe("unchanged");
    expect(describeTree(volume)).toEqual(before);
    expect(await files.write(volume, payloadOf({ a: "1" }))).toBe("changed");
    expect(visibleFiles(volume)).toEqual({ a: "1" });
  });

  test("an empty payload does not wipe what is there", async () => {
    expect(await files.write(volume, payloadOf({}))).toBe("unchanged");
    expect(readdirSync(volume)).toEqual([]);
    await files.write(volume, payloadOf({ a: "1" }));
    expect(await files.write(volume, payloadOf({}))).toBe("unchanged");
    expect(visibleFiles(volume)).toEqual({ a: "1" });
  });

  test.each([
    ["letters outside ASCII", { ü: "1", "🔑/é": "2" }],
    ["backslashes, blanks, quotes and line breaks", { "a\\b": "1", 'c "d"/e\nf': "2" }],
    ["names of 255 bytes", { ["a".repeat(255)]: "1", [`${"b".repeat(255)}/${"c".repeat(255)}`]: "2" }],
    [
      "the deepest and longest path that Linux opens",
      { [`${"a/".repeat(84)}${`${"b".repeat(255)}/`.repeat(15)}${"c".repeat(87)}`]: "1" },
    ],
    ["binary-looking text", { a: "\0\u{1}\ufffd" }],
  ])("%s come out as they went in", async (_, wanted: Record<string, string>) => {
    expect(await files.write(volume, payloadOf(wanted))).toBe("changed");
    const version = readlinkSync(at("..data"));
    for (const [path, text] of Object.entries(wanted)) {
      // The longest path only fits into a system call when nothing is before it.
      process.chdir(at(version));
      expect(readFileSync(path, "utf8")).toBe(text);
      process.chdir("/");
    }
    expect(await files.write(volume, payloadOf(wanted))).toBe("unchanged");
  });

  test("a volume that does not exist is told, and clearing it is success", async () => {
    rmSync(join(ground.base, "nothing"), { force: true, recursive: true });
    await expect(files.write(join(ground.base, "nothing"), payloadOf({ a: "1" }))).rejects.toMatchObject({
      reason: "FileWriteError",
      message: expect.stringContaining("does not exist") as string,
    });
    expect(await files.isPopulated(join(ground.base, "nothing"))).toBe(false);
    await files.clear(join(ground.base, "nothing"));
  });

  test("clearing removes everything, names with dots too", async () => {
    await files.write(volume, payloadOf({ a: "1", ".hidden": "2", "d/e/f": "3" }));
    mkdirSync(at("plain/inner"), { recursive: true });
    writeFileSync(at("plain/inner/.file"), "x");
    await files.clear(volume);
    expect(readdirSync(volume)).toEqual([]);
    await files.clear(volume);
  });

  test("no descriptor is left open", async () => {
    const before = openDescriptors();
    await files.write(volume, payloadOf({ a: "1", "d/e/x": "2" }));
    await files.write(volume, payloadOf({ a: "2", "d/e/x": "2" }));
    await files.write(volume, payloadOf({ a: "2", "d/e/x": "2" }));
    await files.isPopulated(volume);
    await files.clear(volume);
    await files.write(join(ground.base, "nothing"), payloadOf({ a: "1" })).catch(() => undefined);
    expect(openDescriptors()).toBe(before);
  });

  test("a full volume is told by name and path, and keeps its old content", async () => {
    const small = createGround();
    await files.write(small.volume, payloadOf({ a: "1" }));
    const failing = createVolumeFiles({
      fs: {
        ...(await import("node:fs")),
        writeFileSync: () => {
          throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC", errno: -28, syscall: "write" });
        },
      },
    });
    const before = describeTree(small.volume).map((line) => line.split(" ")[0]);
    const write = failing.write(small.volume, payloadOf({ a: "2", "b/c": "3" }));
    await expect(write).rejects.toMatchObject({
      reason: "FileWriteError",
      message: expect.stringMatching(/^failed to write "\.\.[^/]+\/a": ENOSPC \(no space left on device\)$/) as string,
    });
    expect(describeTree(small.volume).map((line) => line.split(" ")[0])).toEqual(before);
    small.remove();
  });
});
