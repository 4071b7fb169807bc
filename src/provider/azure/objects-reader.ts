import { createKept } from "../../sharing/kept.ts";
import { parseObjects, type KeyVaultObject } from "./objects.ts";

/** Longer than a pass over a node takes, or a storm of replicas. */
const UNUSED_MS = 10_000;
/** Hundreds of usual texts, and four of the longest that are read. */
const MOST_CHARACTERS = 1024 * 1024;

/** As `parseObjects`, once for all volumes that have the same text at about the same time: most often those of one class. */
export function createObjectsReader(): (text: string, fileMode?: number) => readonly KeyVaultObject[] {
  const read = createKept<readonly KeyVaultObject[]>({
    unusedMs: UNUSED_MS,
    most: MOST_CHARACTERS,
    weightOf: ({ length }) => length,
  });
  return (text, fileMode) => read.take(`${fileMode ?? ""} ${text}`, () => parseObjects(text, fileMode));
}
