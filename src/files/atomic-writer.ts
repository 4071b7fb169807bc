import { randomUUID } from "node:crypto";
import { DriverError } from "../errors.ts";
import { attempt, enter, entries, linkTarget, pathTo, placeOf, quoted, trailOf } from "./anchored-directory.ts";
import type { AnchoredDirectory } from "./anchored-directory.ts";
import { isTree } from "./content-tree.ts";
import type { ContentTree } from "./content-tree.ts";
import { failure, unless } from "./failure.ts";
import { currentVersion, dataLink, isInternal, nextDataLink, presents, visibleTarget } from "./layout.ts";
import { createFile } from "./regular-file.ts";
import { remove, told } from "./removal.ts";
import type { Remainder } from "./removal.ts";

/** What is written if anything is: the new version's name, and the group that its files and directories get. */
export interface NewVersion {
  readonly name: string;
  readonly group?: number | undefined;
}

/**
 * Replaces the content of a volume at once. A reader that opens `..data` sees the old version or the new, never both.
 *
 * 1. Compare with the version that is there, by contents only. Equal, and visible links right: go to 7.
 * 2. Remove what a crash may have left in the way of a switch: `..data_tmp`, and a `..data` that is not a link.
 * 3. Make the new version's directory and write every file.
 * 4. Make missing visible links. What stands in their place (plain files of a provider, wrong links) is set aside.
 * 5. Make the link `..data_tmp` to the new version.
 * 6. Rename it over `..data`: the switch. On failure up to here everything is put back as it was.
 * 7. Remove visible links that belong to no file. Plain files that are not in the way stay, as they always have.
 * 8. Remove every other version, and whatever else has a writer's name.
 *
 * Steps 7 and 8 look at what is there and not at what this call did, so a crash anywhere heals at the next write.
 */
export function replaceContent(
  volume: AnchoredDirectory,
  tree: ContentTree,
  next: NewVersion,
): "unchanged" | "changed" {
  const current = currentVersion(volume);
  const same = current !== undefined && presents(volume, current, tree);
  if (!same) switchTo(volume, tree, next);
  sweep(volume, tree, same ? current : next.name);
  return same ? "unchanged" : "changed";
}

function switchTo(volume: AnchoredDirectory, tree: ContentTree, next: NewVersion): void {
  const undo: (() => void)[] = [];
  const undoBy = (step: () => void): void => void undo.push(step);
  try {
    demandGone(remove(volume, nextDataLink));
    if (linkTarget(volume, dataLink) === undefined) demandGone(remove(volume, dataLink));
    makeDirectory(volume, next.name);
    undoBy(() => void remove(volume, next.name));
    fill(volume, next.name, tree, next.group);
    // Listed once: asked for name by name, a new volume refuses twice a file, and each refusal costs as much as a write.
    const standing = new Set(entries(volume));
    for (const name of tree.keys()) makeVisible(volume, name, standing.has(name), undoBy);
    makeLink(volume, nextDataLink, next.name);
    undoBy(() => void remove(volume, nextDataLink));
    move(volume, nextDataLink, dataLink);
  } catch (error) {
    // What would not go now, the next write sweeps away; the first failure is the one to tell.
    for (const step of undo.reverse()) step();
    throw error;
  }
}

/** Writes what belongs into a directory just made, and only then lets others in. */
function fill(parent: AnchoredDirectory, name: string, tree: ContentTree, group?: number): void {
  const filled = enter(parent, name, (directory) => {
    for (const [inner, node] of tree) {
      if (isTree(node)) {
        makeDirectory(directory, inner);
        fill(directory, inner, node, group);
      } else createFile(directory, inner, node, group);
    }
    letIn(directory, group);
    return true;
  });
  if (filled === undefined) {
    throw new DriverError("FileWriteError", `${quoted(trailOf(parent, name))} was replaced while it was written`);
  }
}

function makeDirectory(parent: AnchoredDirectory, name: string): void {
  attempt(parent, name, "make directory", (path) => {
    parent.fs.mkdirSync(path, 0o700);
  });
}

/** By explicit calls, since the umask is not ours; through the descriptor, since the name may be somebody else's by now. */
function letIn(directory: AnchoredDirectory, group?: number): void {
  const { fs, fd, trail } = directory;
  try {
    if (group !== undefined) fs.chownSync(placeOf(fd), -1, group);
    fs.chmodSync(placeOf(fd), 0o755);
  } catch (error) {
    throw failure("open to readers", quoted(trail), error);
  }
}

function makeVisible(
  volume: AnchoredDirectory,
  name: string,
  isTaken: boolean,
  undoBy: (step: () => void) => void,
): void {
  if (isTaken && linkTarget(volume, name) === visibleTarget(name)) return;
  if (isTaken) setAside(volume, name, undoBy);
  makeLink(volume, name, visibleTarget(name));
  undoBy(() => void remove(volume, name));
}

/** Under a name of the writer's own, so that it comes back if the write fails, and is swept away whole if not. */
function setAside(volume: AnchoredDirectory, name: string, undoBy: (step: () => void) => void): void {
  const aside = `..${randomUUID()}`;
  const moved = unless(["ENOENT"], () => {
    move(volume, name, aside);
    return true;
  });
  if (moved)
    undoBy(
      () =>
        void told(() => {
          move(volume, aside, name);
        }),
    );
}

function move(volume: AnchoredDirectory, from: string, to: string): void {
  attempt(volume, from, "move", (path) => {
    volume.fs.renameSync(path, pathTo(volume, to));
  });
}

function makeLink(volume: AnchoredDirectory, name: string, target: string): void {
  attempt(volume, name, "make link", (path) => {
    volume.fs.symlinkSync(Buffer.from(target, "latin1"), path);
  });
}

function sweep(volume: AnchoredDirectory, tree: ContentTree, version: string): void {
  const names = entries(volume);
  const staleLinks = names.filter(
    (name) => !isInternal(name) && !tree.has(name) && linkTarget(volume, name) !== undefined,
  );
  const leftovers = names.filter((name) => isInternal(name) && name !== dataLink && name !== version);
  demandGone([...staleLinks, ...leftovers].flatMap((name) => remove(volume, name)));
}

function demandGone(remainders: readonly Remainder[]): void {
  const [first] = remainders;
  if (first !== undefined) throw first;
}
