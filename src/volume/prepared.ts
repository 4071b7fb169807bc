import { DriverError, messageOf } from "../errors.ts";
import type { Volume } from "../model.ts";
import type { Preparation } from "./preparations.ts";
import type { VolumePorts } from "./volume-ports.ts";

/**
 * Runs the work with the target mounted; if it is not a published volume afterwards and nobody else is at it, mount and
 * whatever was written there are gone again. Locks are held at both ends and not in between (docs/adr/0009).
 */
export async function whilePrepared<T>(
  volume: Volume,
  ports: VolumePorts,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const { targetPath } = volume;
  const preparation = await ports.locks.hold(targetPath, signal, () => prepare(volume, ports, signal));
  try {
    return await work();
  } finally {
    await ports.locks.hold(targetPath, new AbortController().signal, async () => {
      if (preparation.end() && ports.volumes.get(targetPath) === undefined) await undo(targetPath, preparation, ports);
    });
  }
}

async function prepare({ targetPath }: Volume, ports: VolumePorts, signal: AbortSignal): Promise<Preparation> {
  if (signal.aborted)
    throw new DriverError("DeadlineExceeded", "the caller's deadline ended before the volume was mounted");
  const preparation = ports.preparations.begin(targetPath);
  try {
    const state = await ports.mounter.look(targetPath);
    if (state === "broken") await ports.mounter.unmount(targetPath);
    if (state !== "mounted") {
      await ports.mounter.mountTmpfs(targetPath);
      preparation.mountedForIt = true;
    }
    return preparation;
  } catch (error) {
    preparation.end();
    throw error;
  }
}

/** A mount without content that was there before may be seen by a pod: it stays, without what a provider left half done. */
async function undo(
  targetPath: string,
  { mountedForIt }: Preparation,
  { mounter, files, log }: VolumePorts,
): Promise<void> {
  try {
    if (mountedForIt) await mounter.unmount(targetPath);
    else await files.clear(targetPath);
  } catch (error) {
    log.error("failed to unmount a volume that its provider did not fill", { targetPath, err: messageOf(error) });
  }
}
