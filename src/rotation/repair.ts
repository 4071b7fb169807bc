import type { Freshness } from "../ports.ts";
import { mirror } from "../volume/deliver.ts";
import { syncFailed } from "../volume/pod-events.ts";
import { currentClass } from "../volume/secret-class.ts";
import { settle } from "../volume/settle.ts";
import type { Asking, VolumePorts } from "../volume/volume-ports.ts";
import type { KnownVolume } from "../volume/volumes.ts";

/** How often debts are tried again when kubelet does not ask, and Secrets compared with files. */
export const REPAIR_PERIOD_MS = 5 * 60_000;

/** Pays what volumes owe and restores their Secrets, one after another; one that cannot be repaired hinders no other. */
export async function repair(ports: VolumePorts, signal: AbortSignal): Promise<void> {
  const freshness: Freshness = { notOlderThan: ports.clock(), priority: "rotation" };
  for (const known of ports.volumes.all()) {
    if (signal.aborted) return;
    await settle(known, ports, signal);
    await restoreSecrets(known, { freshness, signal }, ports);
  }
}

/** From the mounted files: they are what the pod sees, and values are kept nowhere else. */
async function restoreSecrets({ volume }: KnownVolume, asking: Asking, ports: VolumePorts): Promise<void> {
  using claim = ports.volumes.claim(volume);
  const known = ports.volumes.get(volume.targetPath);
  if (claim === undefined || known?.volume !== volume || wantsNoSecrets(known)) return;
  try {
    const secretProviderClass = await currentClass(known, ports, asking);
    ports.volumes.change(volume, { secretProviderClass });
    if (secretProviderClass.secretObjects.length === 0) {
      ports.volumes.change(volume, { secretsOwed: false });
      return;
    }
    const files = await ports.files.read(volume.targetPath);
    await mirror({ volume, files, occasion: "repair" }, ports, asking.signal);
  } catch (error) {
    ports.volumes.change(volume, { secretsOwed: true });
    ports.events.record(volume.pod, syncFailed(error, "repair"));
  }
}

/** By the class as it was read last: rotation reads it at each pass, and without rotation nobody follows its edits. */
function wantsNoSecrets({ secretProviderClass }: KnownVolume): boolean {
  return secretProviderClass?.secretObjects.length === 0;
}
