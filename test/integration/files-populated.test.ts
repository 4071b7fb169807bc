import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createVolumeFiles } from "../../src/files/volume-files.ts";
import { cannotMount } from "../fakes/mount-rights.ts";
import { createGround, describeTree } from "../fakes/volume-directory.ts";
import type { Ground } from "../fakes/volume-directory.ts";

describe.skipIf(cannotMount)(`whether a volume is populated${cannotMount}`, () => {
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

  describe("a volume", () => {
    const populated: [string, boolean, () => void][] = [
      ["that is empty", false, () => undefined],
      [
        "with one plain file",
        true,
        () => {
          writeFileSync(at("a"), "");
        },
      ],
      [
        "with one plain directory",
        true,
        () => {
          mkdirSync(at("a"));
        },
      ],
      [
        "with one hidden file",
        true,
        () => {
          writeFileSync(at(".a"), "");
        },
      ],
      [
        "with a dangling link",
        false,
        () => {
          symlinkSync("..data/a", at("a"));
        },
      ],
      [
        "with a dangling link and a plain file",
        true,
        () => {
          symlinkSync("x", at("a"));
          writeFileSync(at("b"), "");
        },
      ],
      [
        "with a link to the outside",
        false,
        () => {
          symlinkSync("/etc/hostname", at("a"));
        },
      ],
      [
        "with a version and no data link (a crash)",
        false,
        () => {
          mkdirSync(at("..v"));
          writeFileSync(at("b"), "");
        },
      ],
      [
        "with a data link to a version",
        true,
        () => {
          mkdirSync(at("..v"));
          symlinkSync("..v", at("..data"));
        },
      ],
      [
        "with a data link to nothing",
        false,
        () => {
          symlinkSync("..v", at("..data"));
        },
      ],
      [
        "with a data link to a file",
        false,
        () => {
          writeFileSync(at("..v"), "");
          symlinkSync("..v", at("..data"));
        },
      ],
      [
        "with a data link to a link",
        false,
        () => {
          mkdirSync(at("..w"));
          symlinkSync("..w", at("..v"));
          symlinkSync("..v", at("..data"));
        },
      ],
      [
        "with a data link to a plain name",
        false,
        () => {
          mkdirSync(at("v"));
          symlinkSync("v", at("..data"));
        },
      ],
      [
        "with a data link to its parent",
        false,
        () => {
          symlinkSync("..", at("..data"));
        },
      ],
      [
        "with a data link to its neighbour",
        false,
        () => {
          symlinkSync("../canary", at("..data"));
        },
      ],
      [
        "with a data link to an absolute path",
        false,
        () => {
          symlinkSync(ground.canary, at("..data"));
        },
      ],
      [
        "with a data link below a version",
        false,
        () => {
          mkdirSync(at("..v/w"), { recursive: true });
          symlinkSync("..v/w", at("..data"));
        },
      ],
      [
        "with a data link to itself",
        false,
        () => {
          symlinkSync("..data", at("..data"));
        },
      ],
      [
        "with a data directory",
        false,
        () => {
          mkdirSync(at("..data"));
        },
      ],
    ];
    test.each(populated)("%s: populated is %s", async (_, expected, arrange) => {
      arrange();
      const before = describeTree(ground.base);
      expect(await files.isPopulated(volume)).toBe(expected);
      expect(describeTree(ground.base)).toEqual(before);
    });
  });
});
