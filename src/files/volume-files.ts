import { randomInt } from "node:crypto";
import * as nodeFs from "node:fs";
import { DriverError } from "../errors.ts";
import type { Payload } from "../model.ts";
import type { Clock, VolumeFiles } from "../ports.ts";
import { visitVolume, type AnchoredDirectory } from "./anchored-directory.ts";
import { replaceContent } from "./atomic-writer.ts";
import type { NewVersion } from "./atomic-writer.ts";
import { contentTree } from "./content-tree.ts";
import type { FileSystem } from "./file-system.ts";
import { currentVersion, versionName, versionTime } from "./layout.ts";
import { readMounted } from "./mounted.ts";
import { isPopulated } from "./populated.ts";
import { empty } from "./removal.ts";

/** What any volume may hold, ours or another provider's, with room to spare; where more is allowed, that. */
const readLimits = { files: 2_000, bytes: 16 * 1024 * 1024 };

/** The effects of the volumes' files; the real ones unless given. */
export interface VolumeFilesOptions {
  readonly fs?: FileSystem;
  readonly clock?: Clock;
  /** The most that a volume may be told to hold. */
  readonly maxContentBytes?: number;
}

/**
 * Content of volumes, in the layout of Kubernetes' atomic writer. Whatever stands in a volume is taken for an attacker's
 * work: nothing outside of it is read, changed or removed, nothing in it can hang a call. Each call is one uninterrupted
 * step of this process.
 *
 * An empty payload changes nothing: providers that give no files may have written some themselves.
 */
export function createVolumeFiles(options: VolumeFilesOptions = {}): VolumeFiles {
  const { fs = nodeFs, clock = () => new Date(), maxContentBytes = 0 } = options;
  const limits = { ...readLimits, bytes: Math.max(readLimits.bytes, maxContentBytes) };
  return {
    isPopulated: (dir) => promised(() => visitVolume(fs, dir, isPopulated) ?? false),
    write: (dir, payload, group) => promised(() => write(fs, dir, payload, { name: newName(clock), group })),
    writtenAt: (dir) => promised(() => visitVolume(fs, dir, writtenAt) ?? new Date(0)),
    read: (dir) => promised(() => visitVolume(fs, dir, (volume) => readMounted(volume, limits)) ?? []),
    clear: (dir) =>
      promised(() => {
        // What cannot be removed stays: the unmount takes it away, and on a plain directory the rmdir will say so.
        visitVolume(fs, dir, empty);
      }),
  };
}

function write(fs: FileSystem, dir: string, payload: Payload, next: NewVersion): "unchanged" | "changed" {
  const outcome = visitVolume(fs, dir, (volume) =>
    payload.length === 0 ? "unchanged" : replaceContent(volume, contentTree(payload), next),
  );
  if (outcome === undefined)
    throw new DriverError("FileWriteError", `failed to write to volume ${dir}: it does not exist`);
  return outcome;
}

function writtenAt(volume: AnchoredDirectory): Date | undefined {
  const version = currentVersion(volume);
  return version === undefined ? undefined : versionTime(version);
}

function newName(clock: Clock): string {
  return versionName(clock(), randomInt(2 ** 32));
}

/** What a synchronous call gives or throws, as the port's promise. */
function promised<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => {
    resolve(work());
  });
}
