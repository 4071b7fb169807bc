import { areOverdue } from "../volume/credentials.ts";
import { credentialsDropped } from "../volume/pod-events.ts";
import type { VolumePorts } from "../volume/volume-ports.ts";

/** How often it is looked whether credentials are overdue. */
export const OVERDUE_PERIOD_MS = 60_000;

/** Drops credentials that kubelet did not hand over again, and says so. The volume keeps its files and waits for kubelet. */
export function dropOverdue({ volumes, events, elapsed }: Pick<VolumePorts, "volumes" | "events" | "elapsed">): void {
  const now = elapsed();
  for (const known of volumes.all().filter((volume) => areOverdue(volume, now))) {
    volumes.change(known.volume, { credentials: undefined, failing: true });
    events.record(known.volume.pod, credentialsDropped(known.volume));
  }
}
