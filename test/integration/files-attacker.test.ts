import * as nodeFs from "node:fs";
import { readdirSync, renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DriverError } from "../../src/errors.ts";
import type { FileSystem } from "../../src/files/file-system.ts";
import { createVolumeFiles } from "../../src/files/volume-files.ts";
import type { VolumeFiles } from "../../src/ports.ts";
import { arrangeHealthy } from "../fakes/hostile-volume.ts";
import { cannotMount } from "../fakes/mount-rights.ts";
import { payloadOf } from "../fakes/payload.ts";
import { bindMount, createGround, openDescriptors, visibleFiles } from "../fakes/volume-directory.ts";
import type { Ground } from "../fakes/volume-directory.ts";

// The names are the canary's own, so that a step that is led out would find something to read, change or remove.
const content = payloadOf({ secret: "1", "inner/deep": "2", "d/inner/deep": "3", "d/secret": "4" });

/** node:fs, where the attacker acts once, right before the n-th call. */
function attackedFs(actAt: number, act: () => void): { readonly fs: FileSystem; readonly calls: () => number } {
  let calls = 0;
  const fs = new Proxy(nodeFs, {
    get: (target, name) => {
      const real = Reflect.get(target, name) as (...args: unknown[]) => unknown;
      return (...args: unknown[]): unknown => {
        if (++calls === actAt) act();
        return real(...args);
      };
    },
  });
  return { fs, calls: () => calls };
}

/** Every real directory below a volume, or only those at the top. */
function directoriesIn(directory: string, depth: "all" | "top"): readonly string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(directory, entry.name))
    .flatMap((path) => (depth === "all" ? [...directoriesIn(path, "all"), path] : [path]));
}

const attacks: readonly (readonly [string, (ground: Ground) => void])[] = [
  [
    "swaps every version for a link",
    (ground) => {
      swap(ground, "top");
    },
  ],
  [
    "swaps every directory for a link",
    (ground) => {
      swap(ground, "all");
    },
  ],
  [
    "mounts the canary on every directory",
    ({ volume, canary }) => {
      for (const path of directoriesIn(volume, "all")) bindMount(canary, path);
    },
  ],
];

function swap({ volume, base, canary }: Ground, depth: "all" | "top"): void {
  directoriesIn(volume, depth).forEach((path, index) => {
    renameSync(path, join(base, `away-${index}`));
    symlinkSync(canary, path);
  });
}

const calls: readonly (readonly [string, (files: VolumeFiles, volume: string) => Promise<unknown>])[] = [
  ["a write", (files, volume) => files.write(volume, content)],
  ["a write of what is there", (files, volume) => files.write(volume, payloadOf({ a: "1", "d/x": "2" }))],
  ["clearing", (files, volume) => files.clear(volume)],
  ["asking", (files, volume) => files.isPopulated(volume)],
];

/** How many steps a call has that nobody disturbs. */
async function undisturbed(run: (files: VolumeFiles, volume: string) => Promise<unknown>): Promise<number> {
  const ground = createGround("directory");
  arrangeHealthy(ground);
  const { fs, calls } = attackedFs(0, () => undefined);
  await run(createVolumeFiles({ fs }), ground.volume);
  ground.remove();
  return calls();
}

const cases = calls.flatMap(([call, run]) => attacks.map(([attack, act]) => ({ call, run, attack, act })));

describe.skipIf(cannotMount)(`before any step of a call, an attacker${cannotMount}`, () => {
  test.each(cases)("$attack, and $call is not led out", async ({ run, act }) => {
    const steps = await undisturbed(run);
    expect(steps).toBeGreaterThan(5);
    for (let step = 1; step <= steps; step++) {
      const ground = createGround("directory");
      arrangeHealthy(ground);
      const canary = ground.canaryState();
      const descriptors = openDescriptors();
      const attacked = attackedFs(step, () => {
        act(ground);
      });
      await run(createVolumeFiles({ fs: attacked.fs }), ground.volume).catch((error: unknown) => {
        if (!(error instanceof DriverError)) throw error;
      });
      expect(ground.canaryState()).toEqual(canary);
      expect(openDescriptors()).toBe(descriptors);
      ground.remove();
    }
  });

  test("is forgotten after the next write", async () => {
    const ground = createGround("directory");
    arrangeHealthy(ground);
    const { fs } = attackedFs(60, () => {
      swap(ground, "all");
    });
    await createVolumeFiles({ fs })
      .write(ground.volume, content)
      .catch(() => undefined);
    await createVolumeFiles().write(ground.volume, content);
    expect(visibleFiles(ground.volume)).toEqual({
      secret: "1",
      "inner/deep": "2",
      "d/inner/deep": "3",
      "d/secret": "4",
    });
    ground.remove();
  });
});
