import type { VolumePorts } from "./volume-ports.ts";

/**
 * NodeUnpublishVolume: forget, clear, unmount, remove the directory. Idempotent; what is there is asked of the kernel.
 * Contents go first, so that nothing of a volume outlives it where somebody still holds the mount.
 */
export async function unpublishVolume(targetPath: string, ports: VolumePorts, signal: AbortSignal): Promise<void> {
  ports.volumes.forget(targetPath);
  await ports.locks.hold(targetPath, signal, async () => {
    // A publish that was ahead in the queue has remembered it again.
    ports.volumes.forget(targetPath);
    if ((await ports.mounter.look(targetPath)) !== "broken") await ports.files.clear(targetPath);
    await ports.mounter.unmount(targetPath);
  });
  ports.log.info("Volume unpublished", { targetPath });
}
