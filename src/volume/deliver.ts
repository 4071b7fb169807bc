import { DriverError } from "../errors.ts";
import type { Volume, VolumeFile } from "../model.ts";
import { syncSecrets, type SecretOutcome } from "../sync/sync.ts";
import { secretEvent, syncFailed, unreported, type Occasion } from "./pod-events.ts";
import { podStatusOf } from "./pod-status.ts";
import type { VolumePorts } from "./volume-ports.ts";
import type { KnownVolume } from "./volumes.ts";

/** Garbage is collected within seconds. */
export const HELD_UP_MS = 60_000;

/** A volume whose files are written, and why. */
export interface Delivery {
  readonly volume: Volume;
  /** None where the provider wrote them by itself: then they are read from the volume. */
  readonly files: readonly VolumeFile[];
  readonly occasion: Occasion;
}

/**
 * Tells Kubernetes what a volume holds, as far as it is owed: status before Secrets, since a bare pod's Secret is owned by
 * its status. What fails stays owed and is told: a good volume is never given up for it. The caller holds the claim.
 */
export async function deliver(delivery: Delivery, ports: VolumePorts, signal: AbortSignal): Promise<void> {
  const { volume } = delivery;
  await report(volume, ports, signal);
  if (current(volume, ports)?.secretsOwed) await mirror(delivery, ports, signal);
}

/** Writes the pod status that a volume owes, if any; resolves to whether nothing is owed any more. */
export async function report(volume: Volume, ports: VolumePorts, signal: AbortSignal): Promise<boolean> {
  const known = current(volume, ports);
  if (known?.report !== "owed") return true;
  try {
    await ports.statuses.apply(podStatusOf(volume, known.versions ?? [], ports.nodeName), signal);
    ports.volumes.change(volume, { report: "told", heldUpSince: undefined });
    return true;
  } catch (error) {
    if (!isHeldUp(known, error, ports)) ports.events.record(volume.pod, unreported(volume, error));
    return false;
  }
}

/** A pod that moved here from another node finds the status of the one before it until garbage is collected: no news for so long. */
function isHeldUp({ volume, heldUpSince }: KnownVolume, error: unknown, ports: VolumePorts): boolean {
  if (!(error instanceof DriverError) || error.reason !== "Busy") return false;
  const now = ports.elapsed();
  ports.volumes.change(volume, { heldUpSince: heldUpSince ?? now });
  return now - (heldUpSince ?? now) < HELD_UP_MS;
}

/** Brings the Secrets of the volume's class up to date with its files, whether owed or not. */
export async function mirror(delivery: Delivery, ports: VolumePorts, signal: AbortSignal): Promise<void> {
  const { volume, files, occasion } = delivery;
  const { secretProviderClass } = current(volume, ports) ?? {};
  if (secretProviderClass === undefined) return;
  if (secretProviderClass.secretObjects.length === 0) {
    ports.volumes.change(volume, { secretsOwed: false });
    return;
  }
  const { provider } = secretProviderClass;
  const startedAt = ports.elapsed();
  const tookMs = (): number => ports.elapsed() - startedAt;
  try {
    const mounted = files.length > 0 ? files : await ports.files.read(volume.targetPath);
    const writtenAt = await ports.files.writtenAt(volume.targetPath);
    const request = { volume, secretProviderClass, files: mounted, writtenAt, fresh: occasion !== "repair" };
    const outcomes = await syncSecrets(request, ports, signal);
    const durationMs = tookMs();
    for (const outcome of outcomes) tell({ ...outcome, provider, durationMs }, delivery, ports);
    ports.volumes.change(volume, { secretsOwed: outcomes.some(({ outcome }) => outcome === "failed") });
  } catch (error) {
    ports.volumes.change(volume, { secretsOwed: true });
    ports.metrics.secretSynced({ provider, durationMs: tookMs(), error });
    ports.events.record(volume.pod, syncFailed(error, occasion));
  }
}

function tell(
  done: SecretOutcome & { readonly provider: string; readonly durationMs: number },
  { volume, occasion }: Delivery,
  { events, metrics }: VolumePorts,
): void {
  const event = secretEvent(done, occasion);
  if (event !== undefined) events.record(volume.pod, event);
  const { provider, durationMs, error, outcome } = done;
  if (outcome !== "unchanged") metrics.secretSynced({ provider, durationMs, error });
}

/** What is known of this very publication. */
function current(volume: Volume, { volumes }: VolumePorts): KnownVolume | undefined {
  const known = volumes.get(volume.targetPath);
  return known?.volume === volume ? known : undefined;
}
