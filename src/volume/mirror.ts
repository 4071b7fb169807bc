import { DriverError } from "../errors.ts";
import type { SecretProviderClass, Volume, VolumeFile } from "../model.ts";
import { syncSecrets, type SecretOutcome } from "../sync/sync.ts";
import { isFetchable } from "./credentials.ts";
import { secretEvent, syncFailed, type Occasion } from "./pod-events.ts";
import { mayPass } from "./refusal.ts";
import { currentClass } from "./secret-class.ts";
import type { Asking, VolumePorts } from "./volume-ports.ts";
import type { KnownVolume } from "./volumes.ts";

/** A volume whose files are written, and why. */
export interface Delivery {
  readonly volume: Volume;
  /** None where they are to be read from the volume: the provider wrote them by itself, or nobody has written any. */
  readonly files: readonly VolumeFile[];
  readonly occasion: Occasion;
}

/** Brings the Secrets of a class, as it was read last, up to date with a volume's files, whether owed or not. The caller holds the claim. */
export async function mirror(delivery: Delivery, ports: VolumePorts, signal: AbortSignal): Promise<void> {
  const secretProviderClass = ports.volumes.current(delivery.volume)?.secretProviderClass;
  if (secretProviderClass === undefined) return;
  await account(delivery, ports, () => sync(secretProviderClass, delivery, ports, signal));
}

/**
 * The same from the mounted files, by the class as it is now: they are what the pod sees, and values are kept nowhere
 * else. Where the class wanted no Secrets it is not read: rotation does that at each pass, and without rotation nobody
 * follows its edits.
 */
export async function restore(volume: Volume, ports: VolumePorts, asking: Asking): Promise<void> {
  const known = ports.volumes.current(volume);
  if (known === undefined || known.secretProviderClass?.secretObjects.length === 0) return;
  const delivery: Delivery = { volume, files: [], occasion: "repair" };
  await account(delivery, ports, async () => {
    const secretProviderClass = await classOf(known, ports, asking);
    if (secretProviderClass === undefined) return [];
    ports.volumes.change(volume, { secretProviderClass });
    return sync(secretProviderClass, delivery, ports, asking.signal);
  });
}

/** Undefined for one that nobody has read yet and that is gone: nobody knows of any Secret that it wants. */
async function classOf(
  known: KnownVolume,
  ports: VolumePorts,
  asking: Asking,
): Promise<SecretProviderClass | undefined> {
  try {
    return await currentClass(known, ports, asking);
  } catch (error) {
    const isGone = error instanceof DriverError && error.reason === "SecretProviderClassNotFound";
    if (isGone && known.secretProviderClass === undefined) return undefined;
    throw error;
  }
}

async function sync(
  secretProviderClass: SecretProviderClass,
  { volume, files, occasion }: Delivery,
  ports: VolumePorts,
  signal: AbortSignal,
): Promise<readonly SecretOutcome[]> {
  if (secretProviderClass.secretObjects.length === 0) return [];
  const mounted = files.length > 0 ? files : await ports.files.read(volume.targetPath);
  const writtenAt = await ports.files.writtenAt(volume.targetPath);
  const request = { volume, secretProviderClass, files: mounted, writtenAt, fresh: occasion !== "repair" };
  return syncSecrets(request, ports, signal);
}

/** What becomes of the Secrets is told and counted, and what fails is owed. */
async function account(
  delivery: Delivery,
  ports: VolumePorts,
  work: () => Promise<readonly SecretOutcome[]>,
): Promise<void> {
  const { volume, occasion } = delivery;
  const startedAt = ports.elapsed();
  const count = (error: unknown): void => {
    const provider = ports.volumes.current(volume)?.secretProviderClass?.provider ?? "";
    ports.metrics.secretSynced({ provider, durationMs: ports.elapsed() - startedAt, error });
  };
  try {
    const outcomes = await work();
    for (const done of outcomes) {
      const event = secretEvent(done, occasion);
      if (event !== undefined) ports.events.record(volume.pod, event);
      if (done.outcome !== "unchanged") count(done.error);
    }
    ports.volumes.change(volume, debtOf(outcomes, volume, ports));
  } catch (error) {
    ports.volumes.change(volume, { secretsOwed: true });
    count(error);
    ports.events.record(volume.pod, syncFailed(error, occasion));
  }
}

function debtOf(
  outcomes: readonly SecretOutcome[],
  volume: Volume,
  { volumes, elapsed }: VolumePorts,
): Pick<KnownVolume, "secretsOwed" | "secretsRefusedSince"> {
  const known = volumes.current(volume);
  const now = elapsed();
  const isRefused = outcomes.some(({ error }) => error?.reason === "PermissionDenied");
  const since = isRefused ? (known?.secretsRefusedSince ?? now) : undefined;
  const isOwed = outcomes.some((done) => done.outcome === "failed" || (done.keepsLater && isLeftToPass(known)));
  return { secretsRefusedSince: since, secretsOwed: isOwed || (since !== undefined && mayPass(since, now)) };
}

/** What a rotation owes and a repair cannot decide, since somebody set the clock, the next pass does: it knows what the vault holds. */
function isLeftToPass(known: KnownVolume | undefined): boolean {
  return known?.secretsOwed === true && isFetchable(known);
}
