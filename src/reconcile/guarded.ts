import type { Objects } from "../release-ports.ts";
import { readRelease, type Release } from "./release.ts";

/** The release is no longer what was looked at: nothing more is written until it is looked at again. */
export class StoodDown extends Error {
  override readonly name = "StoodDown";
}

/** The objects, written only while the release is whole and is the one that is given: both are read before each write. */
export function guarded(objects: Objects, namespace: string, release: Release): Objects {
  const mayWrite = async (signal: AbortSignal): Promise<void> => {
    const now = await readRelease(objects, namespace, signal);
    if ("down" in now || now.version !== release.version) throw new StoodDown();
  };
  return {
    read: (object, signal) => objects.read(object, signal),
    rehearse: (object, signal) => objects.rehearse(object, signal),
    replace: async (object, signal) => {
      await mayWrite(signal);
      await objects.replace(object, signal);
    },
    apply: async (object, signal) => {
      await mayWrite(signal);
      return objects.apply(object, signal);
    },
    merge: async (object, fields, signal) => {
      await mayWrite(signal);
      await objects.merge(object, fields, signal);
    },
    delete: async (object, signal) => {
      await mayWrite(signal);
      await objects.delete(object, signal);
    },
  };
}
