import { execFileSync } from "node:child_process";
import { chmodSync, linkSync, mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bindMount, mountTmpfsOn } from "./volume-directory.ts";
import type { Ground } from "./volume-directory.ts";

/** One way in which an attacker may have left a volume that held `a` and `d/x` of version `..v`. */
export interface Hostility {
  readonly kind: string;
  readonly arrange: (ground: Ground) => void;
  /** Whether it is a mount, which has to stay. */
  readonly isMount?: boolean;
  /** What only the root of the node can arrange. */
  readonly needsRealRoot?: boolean;
}

const version = "..v";

/** A healthy volume that holds `a` = "1" and `d/x` = "2". */
export function arrangeHealthy({ volume }: Ground): void {
  mkdirSync(join(volume, version, "d"), { recursive: true });
  writeFileSync(join(volume, version, "a"), "1");
  writeFileSync(join(volume, version, "d/x"), "2");
  symlinkSync(version, join(volume, "..data"));
  symlinkSync("..data/a", join(volume, "a"));
  symlinkSync("..data/d", join(volume, "d"));
}

export const hostilities: readonly Hostility[] = [
  replaced("the data link leads to an absolute path", "..data", ({ canary }, path) => {
    symlinkSync(canary, path);
  }),
  replaced("the data link climbs out", "..data", (_, path) => {
    symlinkSync("../canary", path);
  }),
  replaced("the data link is a directory", "..data", ({ canary }, path) => {
    mkdirSync(path);
    symlinkSync(canary, join(path, "out"));
  }),
  replaced("the data link is a file", "..data", (_, path) => {
    writeFileSync(path, "x");
  }),
  replaced("the data link leads to itself", "..data", (_, path) => {
    symlinkSync("..data", path);
  }),
  replaced("the version is a link", version, ({ canary }, path) => {
    symlinkSync(canary, path);
  }),
  replaced("the version is a file", version, (_, path) => {
    writeFileSync(path, "x");
  }),
  replaced("a file of the version is a link", `${version}/a`, ({ canary }, path) => {
    symlinkSync(join(canary, "secret"), path);
  }),
  replaced("a file of the version is a hard link", `${version}/a`, ({ canary, base }, path) => {
    // Possible only where volume and canary are of one filesystem.
    if (canary.startsWith(base)) tryLink(join(canary, "secret"), path);
  }),
  replaced("a file of the version is a FIFO", `${version}/a`, (_, path) => {
    execFileSync("mkfifo", [path]);
  }),
  replaced("a file of the version is a directory", `${version}/a`, (_, path) => {
    mkdirSync(path);
  }),
  {
    ...replaced("a file of the version is a device", `${version}/a`, (_, path) => {
      execFileSync("mknod", [path, "c", "1", "5"]);
    }),
    needsRealRoot: true,
  },
  replaced("a directory of the version is a link", `${version}/d`, ({ canary }, path) => {
    symlinkSync(canary, path);
  }),
  replaced("a visible link leads out", "a", ({ canary }, path) => {
    symlinkSync(join(canary, "secret"), path);
  }),
  replaced("a visible directory link leads out", "d", ({ canary }, path) => {
    symlinkSync(canary, path);
  }),
  replaced("a visible link is a directory full of links", "d", ({ canary }, path) => {
    mkdirSync(join(path, "e"), { recursive: true });
    symlinkSync(canary, join(path, "out"));
    symlinkSync(join(canary, "secret"), join(path, "e", "secret"));
  }),
  replaced("a visible link is a FIFO", "a", (_, path) => {
    execFileSync("mkfifo", [path]);
  }),
  added("the next data link is a leftover", "..data_tmp", ({ canary }, path) => {
    symlinkSync(canary, path);
  }),
  added("the next data link is a directory", "..data_tmp", ({ canary }, path) => {
    mkdirSync(path);
    symlinkSync(canary, join(path, "out"));
  }),
  added("a leftover version is full of links", "..left", ({ canary }, path) => {
    mkdirSync(join(path, "inner/inner"), { recursive: true });
    symlinkSync(canary, join(path, "out"));
    symlinkSync(join(canary, "inner/deep"), join(path, "inner/inner/deep"));
  }),
  added("a stale visible link leads out", "stale", ({ canary }, path) => {
    symlinkSync(canary, path);
  }),
  added("a leftover has names that are no valid text", "..left", (_, path) => {
    mkdirSync(path);
    for (const name of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0x0a], [0x1b, 0x5b], [0xef, 0xbf, 0xbd]]) {
      writeFileSync(Buffer.concat([Buffer.from(`${path}/`), Buffer.from(name)]), "x");
    }
    mkdirSync(Buffer.concat([Buffer.from(`${path}/d`), Buffer.from([0xfe])]));
  }),
  added("a leftover's own name is no valid text", "..left", ({ volume }) => {
    mkdirSync(Buffer.concat([Buffer.from(`${volume}/..`), Buffer.from([0xff, 0xfe]), Buffer.from("/e")]), {
      recursive: true,
    });
  }),
  added("a leftover may not be read by anybody", "..left", (_, path) => {
    mkdirSync(join(path, "inner"), { recursive: true });
    writeFileSync(join(path, "inner/file"), "x");
    chmodSync(join(path, "inner/file"), 0);
    chmodSync(join(path, "inner"), 0);
    chmodSync(path, 0);
  }),
  added("a leftover is three thousand directories deep", "..left", ({ volume }, path) => {
    mkdirSync(path);
    for (let depth = 0; depth < 3000; depth++) {
      mkdirSync(join(volume, "..grow"));
      renameSync(path, join(volume, "..grow", "d"));
      renameSync(join(volume, "..grow"), path);
    }
  }),
  added("a leftover has two thousand directories side by side", "..left", (_, path) => {
    for (let index = 0; index < 2000; index++) mkdirSync(join(path, `${index}`, "inner"), { recursive: true });
  }),
  mounted("the canary is mounted in a leftover", "..left/inner", ({ canary }, path) => {
    bindMount(canary, path);
  }),
  mounted("the canary is mounted on a leftover", "..left", ({ canary }, path) => {
    bindMount(canary, path);
  }),
  mounted("the canary is mounted deep in a leftover", "..left/e/f/g", ({ canary }, path) => {
    bindMount(canary, path);
  }),
  mounted("the canary is mounted on the version", version, ({ canary }, path) => {
    bindMount(canary, path);
  }),
  mounted("the canary is mounted on a directory of the version", `${version}/d`, ({ canary }, path) => {
    bindMount(canary, path);
  }),
  mounted("a canary's file is mounted on a file of the version", `${version}/a`, ({ canary }, path) => {
    bindMount(join(canary, "secret"), path);
  }),
  mounted("the canary is mounted in place of a visible link", "d", ({ canary, volume }) => {
    unlinkSync(join(volume, "d"));
    mkdirSync(join(volume, "d"));
    bindMount(canary, join(volume, "d"));
  }),
  mounted("another filesystem is mounted in a leftover", "..left/inner", (_, path) => {
    mountTmpfsOn(path);
  }),
];

function replaced(kind: string, path: string, put: (ground: Ground, path: string) => void): Hostility {
  return {
    kind,
    arrange: (ground) => {
      rmSync(join(ground.volume, path), { recursive: true });
      put(ground, join(ground.volume, path));
    },
  };
}

function added(kind: string, path: string, put: (ground: Ground, path: string) => void): Hostility {
  return {
    kind,
    arrange: (ground) => {
      put(ground, join(ground.volume, path));
    },
  };
}

function mounted(kind: string, path: string, mount: (ground: Ground, path: string) => void): Hostility {
  return {
    kind,
    isMount: true,
    arrange: (ground) => {
      if (path.startsWith("..left")) mkdirSync(join(ground.volume, path), { recursive: true });
      mount(ground, join(ground.volume, path));
    },
  };
}

function tryLink(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    writeFileSync(to, "1");
  }
}
