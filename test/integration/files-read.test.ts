import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createVolumeFiles } from "../../src/files/volume-files.ts";
import { hostilities, arrangeHealthy } from "../fakes/hostile-volume.ts";
import { cannotMount } from "../fakes/mount-rights.ts";
import { payloadOf } from "../fakes/payload.ts";
import { bindMount, createGround, type Ground } from "../fakes/volume-directory.ts";

describe.skipIf(cannotMount)(`the files of a volume are read${cannotMount}`, () => {
  const files = createVolumeFiles({ clock: () => new Date("2026-01-02T15:04:05Z") });
  let ground: Ground;
  let volume: string;

  beforeEach(() => {
    ground = createGround();
    ({ volume } = ground);
  });
  afterEach(() => {
    ground.remove();
  });

  const read = async (): Promise<Record<string, string>> =>
    Object.fromEntries(
      (await files.read(volume)).map(({ path, contents }) => [path, Buffer.from(contents).toString()]),
    );

  test("as they were written: paths, contents and modes", async () => {
    const payload = payloadOf({ b: "2", "d/e/x": "3", a: "", "d/y": "4", ä: "5" }, { b: 0o600 });
    await files.write(volume, payload);
    const found = await files.read(volume);
    expect(found.map((file) => ({ ...file, contents: Buffer.from(file.contents).toString() }))).toEqual(
      [...payload]
        .sort((a, b) => (a.path < b.path ? -1 : 1))
        .map((file) => ({ ...file, contents: Buffer.from(file.contents).toString() })),
    );
  });

  test("with the time of the write that made them what they are", async () => {
    await files.write(volume, payloadOf({ a: "1" }));
    expect(await files.writtenAt(volume)).toEqual(new Date("2026-01-02T15:04:05Z"));
    const later = createVolumeFiles({ clock: () => new Date("2026-01-02T16:00:00Z") });
    await later.write(volume, payloadOf({ a: "1" }));
    expect(await files.writtenAt(volume)).toEqual(new Date("2026-01-02T15:04:05Z"));
    await later.write(volume, payloadOf({ a: "2" }));
    expect(await files.writtenAt(volume)).toEqual(new Date("2026-01-02T16:00:00Z"));
  });

  test("with a time long ago where nobody knows it", async () => {
    writeFileSync(join(volume, "plain"), "1");
    expect(await files.writtenAt(volume)).toEqual(new Date(0));
    expect(await files.writtenAt(join(volume, "absent"))).toEqual(new Date(0));
    arrangeHealthy(ground);
    expect(await files.writtenAt(volume)).toEqual(new Date(0));
  });

  test("of a provider that wrote plain ones", async () => {
    mkdirSync(join(volume, "d"));
    writeFileSync(join(volume, "a"), "1");
    writeFileSync(join(volume, "d/x"), "2");
    expect(await read()).toEqual({ a: "1", "d/x": "2" });
  });

  test("and of an empty or absent one there are none", async () => {
    expect(await files.read(volume)).toEqual([]);
    expect(await files.read(join(volume, "absent"))).toEqual([]);
  });

  test("without links, FIFOs and mounts of others", async () => {
    arrangeHealthy(ground);
    symlinkSync(join(ground.canary, "secret"), join(volume, "..v", "link"));
    execFileSync("mkfifo", [join(volume, "..v", "fifo")]);
    mkdirSync(join(volume, "..v", "mount"));
    bindMount(ground.canary, join(volume, "..v", "mount"));
    expect(await read()).toEqual({ a: "1", "d/x": "2" });
  });

  test("only as far as a volume may be large", async () => {
    arrangeHealthy(ground);
    writeFileSync(join(volume, "..v", "big"), "");
    truncateSync(join(volume, "..v", "big"), 17 * 1024 * 1024);
    await expect(files.read(volume)).rejects.toMatchObject({ reason: "FileWriteError" });
  });

  test.each(hostilities.filter(({ needsRealRoot }) => !needsRealRoot))(
    "and never what an attacker leads to: $kind",
    async ({ arrange }) => {
      arrangeHealthy(ground);
      arrange(ground);
      const contents = await read().catch(() => ({}));
      expect(JSON.stringify(contents)).not.toContain("canary");
    },
  );
});
