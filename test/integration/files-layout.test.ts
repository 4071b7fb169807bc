import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createVolumeFiles } from "../../src/files/volume-files.ts";
import { cannotActAsRealRoot, cannotMount } from "../fakes/mount-rights.ts";
import { payloadOf } from "../fakes/payload.ts";
import { createGround, describeTree, visibleFiles } from "../fakes/volume-directory.ts";
import type { Ground } from "../fakes/volume-directory.ts";

describe.skipIf(cannotMount)(`the files of a volume${cannotMount}`, () => {
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

  test("the layout is the established one: relative links, one per first component", async () => {
    expect(await files.write(volume, payloadOf({ a: "1", "d/x": "2", "d/e/y": "3" }))).toBe("changed");
    const version = readlinkSync(at("..data"));
    expect(version).toMatch(/^\.\.2026_01_02_15_04_05\.\d+$/);
    expect(readdirSync(volume).sort()).toEqual(["..data", version, "a", "d"].sort());
    expect(readlinkSync(at("a"))).toBe("..data/a");
    expect(readlinkSync(at("d"))).toBe("..data/d");
    expect(lstatSync(at(`${version}/d/e/y`)).isFile()).toBe(true);
    for (const directory of [version, `${version}/d`, `${version}/d/e`]) {
      expect(statSync(at(directory)).mode & 0o7777).toBe(0o755);
    }
    expect(visibleFiles(volume)).toEqual({ a: "1", "d/x": "2", "d/e/y": "3" });
  });

  test.each([0, 0o400, 0o644, 0o666, 0o777])("a file gets exactly mode %i, whatever the umask", async (mode) => {
    const umask = process.umask(0o077);
    await files.write(volume, payloadOf({ a: "1", "d/x": "" }, { a: mode, "d/x": mode }));
    process.umask(umask);
    expect(statSync(at("a")).mode & 0o7777).toBe(mode);
    expect(statSync(at("d/x")).mode & 0o7777).toBe(mode);
    expect(statSync(at("d")).mode & 0o7777).toBe(0o755);
    expect(await files.write(volume, payloadOf({ a: "1", "d/x": "" }))).toBe("unchanged");
  });

  test.skipIf(cannotActAsRealRoot)(
    `files and directories get the group, and root stays the owner${cannotActAsRealRoot}`,
    async () => {
      await files.write(volume, payloadOf({ a: "1", "d/e/x": "2" }, { a: 0o2 }), 4321);
      for (const path of ["a", "d", "d/e", "d/e/x", "..data"]) {
        expect(statSync(at(path))).toMatchObject({ uid: 0, gid: 4321 });
      }
      expect(statSync(at("a")).mode & 0o7777).toBe(0o2);
    },
  );

  test("equal content touches nothing", async () => {
    await files.write(volume, payloadOf({ a: "1", "d/x": "2" }));
    utimesSync(volume, 1000, 1000);
    const before = describeTree(ground.base);
    expect(await files.write(volume, payloadOf({ "d/x": "2", a: "1" }))).toBe("unchanged");
    expect(describeTree(ground.base)).toEqual(before);
    expect(statSync(volume).mtimeMs).toBe(1_000_000);
  });

  test.each([
    ["a content that differs in the last byte", { a: "12", "d/x": "3" }],
    ["a longer content", { a: "111", "d/x": "2" }],
    ["an empty content", { a: "", "d/x": "2" }],
    ["a file less", { a: "11" }],
    ["a file more", { a: "11", "d/x": "2", b: "3" }],
    ["a file more in a directory", { a: "11", "d/x": "2", "d/y": "3" }],
    ["a file that becomes a directory", { "a/b": "11", "d/x": "2" }],
    ["a directory that becomes a file", { a: "11", d: "2" }],
  ])("%s replaces the version", async (_, wanted: Record<string, string>) => {
    await files.write(volume, payloadOf({ a: "11", "d/x": "2" }));
    const old = readlinkSync(at("..data"));
    expect(await files.write(volume, payloadOf(wanted))).toBe("changed");
    const version = readlinkSync(at("..data"));
    expect(version).not.toBe(old);
    expect(visibleFiles(volume)).toEqual(wanted);
    const components = new Set(Object.keys(wanted).map((path) => path.split("/")[0] ?? ""));
    expect(readdirSync(volume).sort()).toEqual(["..data", version, ...components].sort());
    expect(await files.write(volume, payloadOf(wanted))).toBe("unchanged");
  });

  test.each([
    ["missing", () => undefined],
    [
      "wrong",
      (path: string) => {
        symlinkSync("..data/d", path);
      },
    ],
    [
      "absolute",
      (path: string) => {
        symlinkSync("/etc/hostname", path);
      },
    ],
    [
      "a plain file",
      (path: string) => {
        writeFileSync(path, "1");
      },
    ],
    [
      "a directory",
      (path: string) => {
        mkdirSync(join(path, "x"), { recursive: true });
      },
    ],
  ])("a visible link that is %s is put right", async (_, spoil) => {
    await files.write(volume, payloadOf({ a: "1", "d/x": "2" }));
    unlinkSync(at("a"));
    spoil(at("a"));
    expect(await files.write(volume, payloadOf({ a: "1", "d/x": "2" }))).toBe("changed");
    expect(readlinkSync(at("a"))).toBe("..data/a");
    expect(visibleFiles(volume)).toEqual({ a: "1", "d/x": "2" });
  });

  test("an empty directory that is not in the payload is content that differs", async () => {
    await files.write(volume, payloadOf({ a: "1" }));
    mkdirSync(at("..data/empty"));
    expect(await files.write(volume, payloadOf({ a: "1" }))).toBe("changed");
  });
});
