import { enter, entries, linkTarget } from "./anchored-directory.ts";
import type { AnchoredDirectory } from "./anchored-directory.ts";
import { isTree } from "./content-tree.ts";
import type { ContentTree } from "./content-tree.ts";
import { fileHolds } from "./regular-file.ts";

/**
 * The layout of Kubernetes' atomic writer, which programs in pods know and watch:
 *
 *     ..2026_01_02_15_04_05.1234567890/d/x     one version of the content
 *     ..data     -> ..2026_01_02_15_04_05.1234567890
 *     d          -> ..data/d                   one relative link per first path component
 *     ..data_tmp                               only during a switch
 */
export const dataLink = "..data";
/** The link that is renamed over `..data`. */
export const nextDataLink = "..data_tmp";

/** Where the visible link of a first path component leads to. */
export function visibleTarget(name: string): string {
  return `${dataLink}/${name}`;
}

/** Names beginning with two dots are the writer's own; no payload has them in front. */
export function isInternal(name: string): boolean {
  return name.startsWith("..");
}

/** A name for a new version: UTC time and, like mkdtemp, a random number. */
export function versionName(at: Date, random: number): string {
  return `..${at.toISOString().slice(0, 19).replaceAll(/[-T:]/g, "_")}.${random}`;
}

/** When a version was made, by its name; undefined for a name that tells no time. */
export function versionTime(name: string): Date | undefined {
  const [, ...parts] = /^\.\.(\d{4})_(\d\d)_(\d\d)_(\d\d)_(\d\d)_(\d\d)\./.exec(name) ?? [];
  const [year = "", month = "", day = "", ...time] = parts;
  const at = new Date(`${year}-${month}-${day}T${time.join(":")}Z`);
  return Number.isNaN(at.getTime()) ? undefined : at;
}

/** The version that `..data` names: one component beginning with two dots, and really a directory of this volume. */
export function currentVersion(volume: AnchoredDirectory): string | undefined {
  const name = linkTarget(volume, dataLink);
  if (name === undefined || !isInternal(name) || name === ".." || name.includes("/")) return undefined;
  return enter(volume, name, () => name);
}

/** Whether a version holds exactly the tree, bytes compared, and every visible link is there and right. */
export function presents(volume: AnchoredDirectory, version: string, tree: ContentTree): boolean {
  const linked = [...tree.keys()].every((name) => linkTarget(volume, name) === visibleTarget(name));
  return linked && (enter(volume, version, (directory) => holds(directory, tree)) ?? false);
}

/** Only what is expected is looked into; an attacker's own directories are not even entered. */
function holds(directory: AnchoredDirectory, tree: ContentTree): boolean {
  const names = entries(directory);
  if (names.length !== tree.size || !names.every((name) => tree.has(name))) return false;
  return [...tree].every(([name, node]) =>
    isTree(node)
      ? (enter(directory, name, (child) => holds(child, node)) ?? false)
      : fileHolds(directory, name, node.contents),
  );
}
