import { randomUUID } from "node:crypto";
import { DriverError } from "../errors.ts";
import { attempt, enter, entries, pathTo } from "./anchored-directory.ts";
import type { AnchoredDirectory } from "./anchored-directory.ts";
import { errnoName, unless } from "./failure.ts";

/** Why something would not go. EBUSY is a mount on it; ENOTEMPTY is a mount below, or somebody who writes meanwhile. */
export type Remainder = DriverError;

/** Runs what may fail and gives the failure as its answer; work that succeeds may have found failures itself. */
export function told(work: () => readonly Remainder[] | undefined): readonly Remainder[] {
  try {
    return work() ?? [];
  } catch (error) {
    if (error instanceof DriverError) return [error];
    throw error;
  }
}

/**
 * Removes an entry, whatever it is: a link itself and never what it leads to, a directory with everything below it. A
 * mount is left as it stands. What cannot be removed is returned and not thrown: callers differ in what it means.
 */
export function remove(directory: AnchoredDirectory, name: string): readonly Remainder[] {
  return dissolve(directory, name, empty);
}

/**
 * Removes everything in a directory, by the same rules. Directories inside directories are lifted up, next to their
 * parents, before the parents go: so a tree may be as deep as an attacker likes, and neither descriptors nor the stack
 * run out.
 */
export function empty(directory: AnchoredDirectory): readonly Remainder[] {
  const remainders: Remainder[] = [];
  let pending = entries(directory);
  while (pending.length > 0) {
    const lifted: string[] = [];
    const scatter = (child: AnchoredDirectory): readonly Remainder[] =>
      entries(child).flatMap((name) => unlinkOrLift(child, name, directory, lifted));
    remainders.push(...pending.flatMap((name) => dissolve(directory, name, scatter)));
    pending = lifted;
  }
  return remainders;
}

function dissolve(
  directory: AnchoredDirectory,
  name: string,
  emptied: (child: AnchoredDirectory) => readonly Remainder[],
): readonly Remainder[] {
  return told(() => {
    if (unlink(directory, name)) return [];
    const remainders = enter(directory, name, emptied) ?? [];
    // Of a mount nothing was entered, and the kernel itself refuses to remove what it stands on.
    if (remainders.length === 0) removeDirectory(directory, name);
    return remainders;
  });
}

function unlinkOrLift(
  child: AnchoredDirectory,
  name: string,
  top: AnchoredDirectory,
  lifted: string[],
): readonly Remainder[] {
  return told(() => {
    if (unlink(child, name)) return [];
    const fresh = randomUUID();
    attempt(child, name, "remove", (path) => {
      child.fs.renameSync(path, pathTo(top, fresh));
    });
    lifted.push(fresh);
    return [];
  });
}

/** False for a directory: Linux answers EISDIR. Asking the type first would ask the server behind a nested mount. */
function unlink(directory: AnchoredDirectory, name: string): boolean {
  const { fs } = directory;
  try {
    unless(["ENOENT"], () => {
      attempt(directory, name, "remove", (path) => {
        fs.unlinkSync(path);
      });
    });
    return true;
  } catch (error) {
    if (errnoName(error) === "EISDIR") return false;
    throw error;
  }
}

function removeDirectory(directory: AnchoredDirectory, name: string): void {
  unless(["ENOENT"], () => {
    attempt(directory, name, "remove", (path) => {
      directory.fs.rmdirSync(path);
    });
  });
}
