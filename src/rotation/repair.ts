import { payDebt } from "../volume/debts.ts";
import type { VolumePorts } from "../volume/volume-ports.ts";
import type { KnownVolume } from "../volume/volumes.ts";

/** How often debts are tried again when kubelet does not ask. */
export const REPAIR_PERIOD_MS = 5 * 60_000;

/** How long credentials may wait in a debt: dropped by the last repair before 15 minutes have passed. */
const CREDENTIALS_KEPT_MS = 15 * 60_000 - REPAIR_PERIOD_MS;

/** Pays what volumes owe, one after another: whatever hindered them is likely to be the same for all. */
export async function repair(ports: VolumePorts, signal: AbortSignal): Promise<void> {
  for (const known of ports.volumes.owing()) {
    if (signal.aborted) return;
    if (isStale(known, ports)) abandon(known, ports);
    else await payDebt(known, ports, signal);
  }
}

function isStale({ debt }: KnownVolume, { clock }: VolumePorts): boolean {
  return debt?.kind === "takeover" && clock().getTime() - debt.since.getTime() > CREDENTIALS_KEPT_MS;
}

/** The volume is looked at anew when kubelet publishes it again. */
function abandon({ volume }: KnownVolume, { volumes, log }: VolumePorts): void {
  volumes.forget(volume.targetPath);
  log.error("A volume that was taken over could not be reported in time; it will be tried at kubelet's next publish", {
    pod: `${volume.pod.namespace}/${volume.pod.name}`,
    targetPath: volume.targetPath,
  });
}
