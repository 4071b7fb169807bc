import type { PublishRequest } from "../model.ts";
import { fetchContent } from "./content.ts";
import { forRepair } from "./freshness.ts";
import { podStatusOf } from "./pod-status.ts";
import type { VolumePorts } from "./volume-ports.ts";

/**
 * Brings a published volume up to date: class → content → files → status. A volume that was forgotten or unmounted
 * meanwhile is left alone. On failure the old files stay.
 */
export async function freshen(request: PublishRequest, ports: VolumePorts, signal: AbortSignal): Promise<void> {
  const { volume } = request;
  const { payload, versions } = await fetchContent(request, ports, forRepair(ports.clock), signal);
  const written = await ports.locks.hold(volume.targetPath, signal, async () => {
    if (ports.volumes.get(volume.targetPath) === undefined) return false;
    // Without its mount the files would go to the node's disk.
    if ((await ports.mounter.look(volume.targetPath)) !== "mounted") return false;
    await ports.files.write(volume.targetPath, payload, volume.group);
    return true;
  });
  if (written) await ports.statuses.apply(podStatusOf(volume, versions, ports.nodeName), signal);
}
