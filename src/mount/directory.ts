import type * as nodeFs from "node:fs";
import { dirname } from "node:path";
import { errnoName, errnoOf, refusal } from "./refusal.ts";

/** The calls of node:fs that this folder makes, and no others. */
export type MountFileSystem = Pick<
  typeof nodeFs,
  "lstatSync" | "mkdirSync" | "mkdtempSync" | "readdirSync" | "rmdirSync" | "statfsSync"
>;

/** Makes a directory and the parents that are missing, and adds each to `made` once it is there, outermost first. */
export function makeDirectory(fs: MountFileSystem, path: string, made: string[]): void {
  const parent = dirname(path);
  try {
    fs.mkdirSync(path, 0o750);
    made.push(path);
  } catch (error) {
    const errno = errnoOf(error);
    if (errnoName(errno) === "EEXIST") return;
    if (errnoName(errno) !== "ENOENT" || parent === path) throw refusal("make directory", path, errno, error);
    makeDirectory(fs, parent, made);
    makeLast(fs, path, made);
  }
}

/** Its parent was just made: if it is missing all the same (a dangling link), that is final. */
function makeLast(fs: MountFileSystem, path: string, made: string[]): void {
  try {
    fs.mkdirSync(path, 0o750);
    made.push(path);
  } catch (error) {
    if (errnoName(errnoOf(error)) !== "EEXIST") throw refusal("make directory", path, errnoOf(error), error);
  }
}

/** Removes an empty directory; absent is success. */
export function removeDirectory(fs: MountFileSystem, path: string): void {
  try {
    fs.rmdirSync(path);
  } catch (error) {
    const errno = errnoOf(error);
    if (errnoName(errno) !== "ENOENT") throw refusal("remove", path, errno, error);
  }
}
