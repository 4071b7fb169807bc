import type { Freshness } from "../ports.ts";
import { mirror } from "../volume/deliver.ts";
import { syncFailed } from "../volume/pod-events.ts";
import { currentClass } from "../volume/secret-class.ts";
import { settle } from "../volume/settle.ts";
import type { Asking, VolumePorts } from "../volume/volume-ports.ts";
import type { KnownVolume } from "../volume/volumes.ts";
import { quietAfter } from "./quiet.ts";
import { shareReads } from "./shared-reads.ts";

/** How often debts are tried again when kubelet does not ask, and Secrets compared with files. */
export const REPAIR_PERIOD_MS = 5 * 60_000;
/** So many volumes at once: nobody waits for a repair, and the API server has others to serve. */
const AT_ONCE = 5;
/** What one volume may take, so that an API server which hangs now and then does not hold up the others. */
const VOLUME_LIMIT_MS = 30_000;

/** Pays what volumes owe and restores their Secrets; one that cannot be repaired, or hangs, hinders no other. */
export async function repair(ports: VolumePorts, signal: AbortSignal, limitMs = VOLUME_LIMIT_MS): Promise<void> {
  const { elapsed, secrets, volumes, clock, events } = ports;
  const own = { ...ports, secrets: shareReads(secrets, { elapsed, signal }), events: quietAfter(signal, events) };
  const freshness: Freshness = { notOlderThan: clock(), priority: "rotation" };
  const queue = volumes.all().values();

  async function takeNext(): Promise<void> {
    for (const known of queue) {
      if (signal.aborted) return;
      const limited = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
      await settle(known, own, limited);
      await restoreSecrets(known, { freshness, signal: limited }, own);
    }
  }

  await Promise.all(Array.from({ length: AT_ONCE }, takeNext));
}

/** From the mounted files: they are what the pod sees, and values are kept nowhere else. */
async function restoreSecrets({ volume }: KnownVolume, asking: Asking, ports: VolumePorts): Promise<void> {
  using claim = ports.volumes.claim(volume);
  const known = ports.volumes.get(volume.targetPath);
  if (claim === undefined || known?.volume !== volume || wantsNoSecrets(known)) return;
  const startedAt = ports.elapsed();
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
    const provider = known.secretProviderClass?.provider ?? "";
    ports.volumes.change(volume, { secretsOwed: true });
    ports.metrics.secretSynced({ provider, durationMs: ports.elapsed() - startedAt, error });
    ports.events.record(volume.pod, syncFailed(error, "repair"));
  }
}

/** By the class as it was read last: rotation reads it at each pass, and without rotation nobody follows its edits. */
function wantsNoSecrets({ secretProviderClass }: KnownVolume): boolean {
  return secretProviderClass?.secretObjects.length === 0;
}
