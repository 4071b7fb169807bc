import { DriverError } from "../errors.ts";
import type { Volume } from "../model.ts";
import { mirror, type Delivery } from "./mirror.ts";
import { unreported } from "./pod-events.ts";
import { podStatusOf } from "./pod-status.ts";
import type { VolumePorts } from "./volume-ports.ts";
import type { KnownVolume } from "./volumes.ts";

/** Garbage is collected within seconds. */
export const HELD_UP_MS = 60_000;

/**
 * Tells Kubernetes what a volume holds, as far as it is owed: status before Secrets, since a bare pod's Secret is owned by
 * its status. What fails stays owed and is told: a good volume is never given up for it. The caller holds the claim.
 */
export async function deliver(delivery: Delivery, ports: VolumePorts, signal: AbortSignal): Promise<void> {
  const { volume } = delivery;
  await report(volume, ports, signal);
  if (ports.volumes.current(volume)?.secretsOwed) await mirror(delivery, ports, signal);
}

/** Writes the pod status that a volume owes, if any. */
export async function report(volume: Volume, ports: VolumePorts, signal: AbortSignal): Promise<void> {
  const known = ports.volumes.current(volume);
  if (known?.report !== "owed") return;
  try {
    await ports.statuses.apply(podStatusOf(volume, known.versions ?? [], ports.nodeName), signal);
    ports.volumes.change(volume, { report: "told", heldUpSince: undefined });
  } catch (error) {
    if (!isHeldUp(known, error, ports)) ports.events.record(volume.pod, unreported(volume, error));
  }
}

/** A pod that moved here from another node finds the status of the one before it until garbage is collected: no news for so long. */
function isHeldUp({ volume, heldUpSince }: KnownVolume, error: unknown, ports: VolumePorts): boolean {
  if (!(error instanceof DriverError) || error.reason !== "Busy") return false;
  const now = ports.elapsed();
  ports.volumes.change(volume, { heldUpSince: heldUpSince ?? now });
  return now - (heldUpSince ?? now) < HELD_UP_MS;
}
