import { entries, linkTarget } from "./anchored-directory.ts";
import type { AnchoredDirectory } from "./anchored-directory.ts";
import { currentVersion, isInternal } from "./layout.ts";

/**
 * Whether somebody's complete write is there: `..data` names a version; or nothing of a writer is there and something
 * that is not a link, as providers leave it that write plain files. Links need not be followed to know: one that leads
 * somewhere inside the volume leads to an entry that counts by itself, and one that leads outside is nobody's content.
 */
export function isPopulated(volume: AnchoredDirectory): boolean {
  if (currentVersion(volume) !== undefined) return true;
  const names = entries(volume);
  return !names.some(isInternal) && names.some((name) => linkTarget(volume, name) === undefined);
}
