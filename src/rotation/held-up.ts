import { HELD_UP_MS } from "../volume/deliver.ts";
import { settle } from "../volume/settle.ts";
import type { VolumePorts } from "../volume/volume-ports.ts";
import { fewAtOnce } from "./few-at-once.ts";

/** How often it is looked whether the status of an earlier pod has gone. */
export const HELD_UP_PERIOD_MS = 5_000;

/** Tries the reports again that wait for garbage collection, for a minute; afterwards they are the repair's. */
export async function reportHeldUp(ports: VolumePorts, signal: AbortSignal): Promise<void> {
  const now = ports.elapsed();
  // A little longer than it is kept quiet: the last try is the one that tells.
  const waiting = ports.volumes
    .all()
    .filter(({ heldUpSince = -Infinity }) => now - heldUpSince < HELD_UP_MS + HELD_UP_PERIOD_MS);
  await fewAtOnce(waiting, signal, (known, limited) => settle(known, ports, limited));
}
