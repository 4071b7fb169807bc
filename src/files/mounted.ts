import { DriverError } from "../errors.ts";
import type { VolumeFile } from "../model.ts";
import { enter, entries } from "./anchored-directory.ts";
import type { AnchoredDirectory } from "./anchored-directory.ts";
import { currentVersion, isInternal } from "./layout.ts";
import { readFile } from "./regular-file.ts";

/** Whoever wrote more into a volume than it may hold is not read out. */
export interface ReadLimits {
  readonly files: number;
  readonly bytes: number;
}

/** Deeper than a payload may be. */
const DEEPEST = 100;

/**
 * The files that a pod sees: those of the version that `..data` names, else plain files of a provider. Links are not
 * followed and other mounts not entered, so what is read is the volume's own. Sorted by path.
 */
export function readMounted(volume: AnchoredDirectory, limits: ReadLimits): readonly VolumeFile[] {
  const harvest: Harvest = { found: [], filesLeft: limits.files, bytesLeft: limits.bytes };
  const version = currentVersion(volume);
  if (version === undefined) collect(volume, "", harvest);
  else
    enter(volume, version, (directory) => {
      collect(directory, "", harvest);
    });
  return harvest.found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

interface Harvest {
  readonly found: VolumeFile[];
  filesLeft: number;
  bytesLeft: number;
}

function collect(directory: AnchoredDirectory, below: string, harvest: Harvest): void {
  if (below.split("/").length > DEEPEST) throw tooMuch();
  for (const name of entries(directory)) {
    if (below === "" && isInternal(name)) continue;
    const path = `${below}${Buffer.from(name, "latin1").toString("utf8")}`;
    const entered = enter(directory, name, (child) => {
      collect(child, `${path}/`, harvest);
      return true;
    });
    if (entered === undefined) take(directory, name, path, harvest);
  }
}

function take(directory: AnchoredDirectory, name: string, path: string, harvest: Harvest): void {
  const file = readFile(directory, name, harvest.bytesLeft);
  if (file === undefined) return;
  harvest.filesLeft -= 1;
  harvest.bytesLeft -= file.contents.byteLength;
  if (harvest.filesLeft < 0 || harvest.bytesLeft < 0) throw tooMuch();
  harvest.found.push({ path, ...file });
}

function tooMuch(): DriverError {
  return new DriverError(
    "FileWriteError",
    "the volume holds more than it may: its files are not read for Kubernetes Secrets",
  );
}
