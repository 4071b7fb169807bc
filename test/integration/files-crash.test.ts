import * as nodeFs from "node:fs";
import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createVolumeFiles } from "../../src/files/volume-files.ts";
import { cannotMount } from "../fakes/mount-rights.ts";
import { payloadOf } from "../fakes/payload.ts";
import { stoppableFs } from "../fakes/stoppable-fs.ts";
import { createGround, openDescriptors, visibleFiles } from "../fakes/volume-directory.ts";
import type { Ground } from "../fakes/volume-directory.ts";

type Files = Readonly<Record<string, string>>;

const old: Files = { a: "old", gone: "old", "d/x": "old", "left/y": "old" };
const next: Files = { a: "new", b: "new", "d/x": "new", "d/z": "new", "e/f/g": "new", plain: "new" };
const third: Files = { a: "third", "h/i": "third" };

describe.skipIf(cannotMount)(`a write that is stopped${cannotMount}`, () => {
  const files = createVolumeFiles();
  let ground: Ground;
  let volume: string;

  beforeEach(() => {
    ground = createGround();
    ({ volume } = ground);
  });
  afterEach(() => {
    ground.remove();
  });

  /** The old content, and a plain directory in the way of the new one. */
  async function start(first: boolean): Promise<void> {
    await files.clear(volume);
    if (!first) await files.write(volume, payloadOf(old));
    mkdirSync(join(volume, "plain", "inner"), { recursive: true });
    writeFileSync(join(volume, "plain", "inner", "file"), "plain");
  }

  /** What stands behind the data link: one whole version or none. */
  function current(): Files | undefined {
    try {
      return visibleFiles(join(volume, readlinkSync(join(volume, "..data"))));
    } catch {
      return undefined;
    }
  }

  function expectExactly(wanted: Files): void {
    expect(visibleFiles(volume)).toEqual(wanted);
    const components = new Set(Object.keys(wanted).map((path) => path.split("/")[0] ?? ""));
    const version = readlinkSync(join(volume, "..data"));
    expect(readdirSync(volume).sort()).toEqual(["..data", version, ...components].sort());
  }

  async function stepsOf(first: boolean): Promise<number> {
    await start(first);
    const stoppable = stoppableFs(Number.POSITIVE_INFINITY, "once");
    await createVolumeFiles({ fs: stoppable.fs }).write(volume, payloadOf(next));
    return stoppable.calls();
  }

  test.each([
    ["the first one", true],
    ["a later one", false],
  ])("for good at any step, %s, shows one version or the other and is healed by the next", async (_, first) => {
    const steps = await stepsOf(first);
    expect(steps).toBeGreaterThan(50);
    const before = first ? undefined : old;
    const seen = new Set<unknown>();
    for (let step = 1; step <= steps; step++) {
      for (const healing of [next, third]) {
        await start(first);
        const { fs } = stoppableFs(step, "for good");
        const outcome = await createVolumeFiles({ fs })
          .write(volume, payloadOf(next))
          .catch(() => "failed");
        const shown = current();
        expect([before, next]).toContainEqual(shown);
        seen.add(JSON.stringify(shown));
        if (outcome !== "failed") expect(shown).toEqual(next);
        await files.write(volume, payloadOf(healing));
        // Plain files that were never in the way of what was written are nobody's leftovers.
        if (healing === third && readdirSync(volume).includes("plain")) expectPlainUntouched();
        else expectExactly(healing);
      }
    }
    expect(seen.size).toBe(2);
  });

  function expectPlainUntouched(): void {
    expect(readFileSync(join(volume, "plain", "inner", "file"), "utf8")).toBe("plain");
    expect(visibleFiles(volume)).toEqual({ ...third, "plain/inner/file": "plain" });
  }

  test("by one failing call leaves everything as it was, or the new content", async () => {
    const steps = await stepsOf(false);
    const descriptors = openDescriptors();
    for (let step = 1; step <= steps; step++) {
      await start(false);
      const { fs } = stoppableFs(step, "once");
      const outcome = await createVolumeFiles({ fs })
        .write(volume, payloadOf(next))
        .catch((error: unknown) => error);
      const shown = current();
      if (outcome === "changed") expectExactly(next);
      else {
        expect(outcome).toMatchObject({ reason: "FileWriteError", message: expect.stringContaining("EIO") as string });
        expect([old, next]).toContainEqual(shown);
      }
      if (shown?.["a"] === "old") {
        expect(readdirSync(volume).filter((name) => name.startsWith(".."))).toHaveLength(2);
        expect(visibleFiles(volume)).toEqual({ ...old, "plain/inner/file": "plain" });
      }
      await files.write(volume, payloadOf(next));
      expectExactly(next);
    }
    expect(openDescriptors()).toBe(descriptors);
  });

  test("between switch and sweep is healed by a write of the same content, which changes nothing else", async () => {
    await files.write(volume, payloadOf(old));
    let killed = false;
    const fs = new Proxy(nodeFs, {
      get: (target, name) => {
        if (killed && name !== "closeSync") throw new Error("killed by the test");
        if (name !== "renameSync") return Reflect.get(target, name) as unknown;
        return (from: Buffer, to: Buffer): void => {
          nodeFs.renameSync(from, to);
          killed = to.toString().endsWith("/..data");
        };
      },
    });
    await expect(createVolumeFiles({ fs }).write(volume, payloadOf(next))).rejects.toThrow("killed by the test");
    const version = readlinkSync(join(volume, "..data"));
    expect(readdirSync(volume)).toContain("gone");
    expect(await files.write(volume, payloadOf(next))).toBe("unchanged");
    expect(readlinkSync(join(volume, "..data"))).toBe(version);
    expectExactly(next);
  });
});
