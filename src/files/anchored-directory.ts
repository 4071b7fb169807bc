import { constants } from "node:fs";
import { DriverError } from "../errors.ts";
import { failure, unless } from "./failure.ts";
import type { FileSystem } from "./file-system.ts";

/**
 * An open directory. What is in it is named through its descriptor (`/proc/self/fd/<n>/<name>`), one component at a
 * time, so that nobody who renames or links parents meanwhile can lead us elsewhere. What the volume holds may have
 * been written by an attacker; whatever goes through this file stays inside.
 *
 * Names are byte strings (latin1): Linux names are bytes, and not all of them are valid UTF-8.
 */
export interface AnchoredDirectory {
  readonly fs: FileSystem;
  readonly fd: number;
  /** The mount that the directory is on. Exact where device numbers are not: a bind mount has its filesystem's device. */
  readonly mountId: string;
  /** Path from the volume, for messages; empty for the volume itself. */
  readonly trail: string;
}

// The same on every architecture that Node runs on; node:fs does not name it. A descriptor opened with it is a place
// and nothing more: no server behind a nested mount is asked, no device is opened, no permission to read is needed.
const placeOnly = 0o10000000;
const { O_DIRECTORY, O_NOFOLLOW } = constants;

/** A text as the byte string that names it in a directory. */
export function byteName(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** Opens a volume for the length of a visit; undefined when nothing is there. Its parents are kubelet's and trusted. */
export function visitVolume<T>(fs: FileSystem, path: string, visit: (volume: AnchoredDirectory) => T): T | undefined {
  try {
    const fd = unless(["ENOENT"], () => fs.openSync(path, placeOnly | O_DIRECTORY | O_NOFOLLOW));
    return fd === undefined ? undefined : visitOpened(fs, fd, (mountId) => visit({ fs, fd, mountId, trail: "" }));
  } catch (error) {
    throw failure("open volume", path, error);
  }
}

/** Opens a directory inside for the length of a visit; undefined when it is no directory, or a mount stands on it. */
export function enter<T>(
  parent: AnchoredDirectory,
  name: string,
  visit: (child: AnchoredDirectory) => T,
): T | undefined {
  const { fs } = parent;
  return visitPlace(parent, name, O_DIRECTORY, (fd) =>
    visit({ fs, fd, mountId: parent.mountId, trail: trailOf(parent, name) }),
  );
}

/**
 * Opens whatever has the name, as a place, for the length of a visit: a link is opened itself, a FIFO or a device is
 * not touched. Undefined when nothing is there or a mount stands on it.
 */
export function visitPlace<T>(
  parent: AnchoredDirectory,
  name: string,
  flags: number,
  visit: (fd: number) => T,
): T | undefined {
  const fd = unless(["ENOENT", "ENOTDIR", "ELOOP"], () =>
    attempt(parent, name, "open", (path) => parent.fs.openSync(path, placeOnly | O_NOFOLLOW | flags)),
  );
  if (fd === undefined) return undefined;
  return visitOpened(parent.fs, fd, (mountId) => (mountId === parent.mountId ? visit(fd) : undefined));
}

/** The names in a directory, in no order. */
export function entries(directory: AnchoredDirectory): readonly string[] {
  try {
    return directory.fs.readdirSync(placeOf(directory.fd), "latin1");
  } catch (error) {
    throw failure("list", quoted(directory.trail), error);
  }
}

/** Where a link leads to; undefined when nothing has the name or it is not a link. Links are read, never followed. */
export function linkTarget(directory: AnchoredDirectory, name: string): string | undefined {
  return unless(["ENOENT", "EINVAL"], () =>
    attempt(directory, name, "read link", (path) => directory.fs.readlinkSync(path, "latin1")),
  );
}

/** Does something to an entry; a failure tells the deed, the path from the volume and the errno. */
export function attempt<T>(directory: AnchoredDirectory, name: string, deed: string, work: (path: Buffer) => T): T {
  try {
    return work(pathTo(directory, name));
  } catch (error) {
    throw failure(deed, quoted(trailOf(directory, name)), error);
  }
}

/** The path that names an entry through its directory's descriptor. */
export function pathTo(directory: AnchoredDirectory, name: string): Buffer {
  return Buffer.from(`${placeOf(directory.fd)}/${name}`, "latin1");
}

/** The path of an open descriptor, to open it again for reading or to change the mode of a directory. */
export function placeOf(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

/** An entry's path from the volume. */
export function trailOf(directory: AnchoredDirectory, name: string): string {
  return directory.trail === "" ? name : `${directory.trail}/${name}`;
}

/** A path from the volume as it is told to people: odd bytes and control characters cannot break a log line. */
export function quoted(trail: string): string {
  return JSON.stringify(Buffer.from(trail, "latin1").toString("utf8"));
}

function visitOpened<T>(fs: FileSystem, fd: number, visit: (mountId: string) => T): T {
  try {
    return visit(mountIdOf(fs, fd));
  } finally {
    fs.closeSync(fd);
  }
}

function mountIdOf(fs: FileSystem, fd: number): string {
  const path = `/proc/self/fdinfo/${fd}`;
  const mountId = /^mnt_id:\s*(\d+)$/m.exec(readInfo(fs, path))?.[1];
  if (mountId === undefined) throw new DriverError("FileWriteError", `${path} names no mount; is /proc a procfs?`);
  return mountId;
}

function readInfo(fs: FileSystem, path: string): string {
  try {
    return fs.readFileSync(path, "latin1");
  } catch (error) {
    throw failure("read", path, error);
  }
}
