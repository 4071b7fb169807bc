import { constants } from "node:fs";
import type { VolumeFile } from "../model.ts";
import { attempt, placeOf, visitPlace } from "./anchored-directory.ts";
import type { AnchoredDirectory } from "./anchored-directory.ts";
import type { FileSystem } from "./file-system.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_WRONLY, O_RDONLY } = constants;

/** Writes a new file; nothing may have its name. Owner-only until content and group stand, then exactly the mode. */
export function createFile(directory: AnchoredDirectory, name: string, file: VolumeFile, group?: number): void {
  const { fs } = directory;
  attempt(directory, name, "write", (path) => {
    const fd = fs.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      fs.writeFileSync(fd, file.contents);
      if (group !== undefined) fs.fchownSync(fd, -1, group);
      // Last: the umask does not count, and changing the group may take mode bits away.
      fs.fchmodSync(fd, file.mode);
    } finally {
      fs.closeSync(fd);
    }
  });
}

/** Whether a regular file of this volume has the name and exactly the contents. Nothing else is ever opened for reading. */
export function fileHolds(directory: AnchoredDirectory, name: string, contents: Uint8Array): boolean {
  const { fs } = directory;
  const same = visitPlace(directory, name, 0, (place) => {
    const stat = fs.fstatSync(place);
    if (!stat.isFile() || stat.size !== contents.byteLength) return false;
    return attempt(directory, name, "read", () => {
      const fd = fs.openSync(placeOf(place), O_RDONLY | O_NONBLOCK);
      try {
        return Buffer.compare(contents, readAtMost(fs, fd, contents.byteLength + 1)) === 0;
      } finally {
        fs.closeSync(fd);
      }
    });
  });
  return same ?? false;
}

/** Content and mode of a regular file of this volume, at most one byte more than asked; undefined for anything else. */
export function readFile(
  directory: AnchoredDirectory,
  name: string,
  mostBytes: number,
): Pick<VolumeFile, "contents" | "mode"> | undefined {
  const { fs } = directory;
  return visitPlace(directory, name, 0, (place) => {
    const stat = fs.fstatSync(place);
    if (!stat.isFile()) return undefined;
    return attempt(directory, name, "read", () => {
      const fd = fs.openSync(placeOf(place), O_RDONLY | O_NONBLOCK);
      try {
        const contents = readAtMost(fs, fd, Math.min(stat.size, mostBytes + 1));
        return { contents, mode: stat.mode & 0o777 };
      } finally {
        fs.closeSync(fd);
      }
    });
  });
}

/** One call: a regular file gives all there is. Were it ever less, the content would be written anew, which is harmless. */
function readAtMost(fs: FileSystem, fd: number, bytes: number): Uint8Array {
  const buffer = Buffer.allocUnsafe(bytes);
  return buffer.subarray(0, fs.readSync(fd, buffer, 0, bytes, 0));
}
