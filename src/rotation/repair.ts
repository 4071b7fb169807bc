import { restore } from "../volume/mirror.ts";
import { settle } from "../volume/settle.ts";
import type { Asking, VolumePorts } from "../volume/volume-ports.ts";
import type { KnownVolume } from "../volume/volumes.ts";
import { fewAtOnce } from "./few-at-once.ts";
import { askOnce } from "./ask-once.ts";
import { quietAfter } from "./quiet.ts";
import { shareReads } from "./shared-reads.ts";

/** How often debts are tried again when kubelet does not ask, and Secrets compared with files. */
export const REPAIR_PERIOD_MS = 5 * 60_000;

/** Pays what volumes owe and restores their Secrets; one that cannot be repaired, or hangs, hinders no other. */
export async function repair(ports: VolumePorts, signal: AbortSignal, limitMs?: number): Promise<void> {
  const { elapsed, volumes, clock } = ports;
  const secrets = shareReads(askOnce(ports.secrets), { elapsed, signal });
  const own = { ...ports, secrets, events: quietAfter(signal, ports.events) };
  const freshness = { notOlderThan: clock(), priority: "rotation" } as const;
  const repairOne = async (known: KnownVolume, limited: AbortSignal): Promise<void> => {
    await settle(known, own, limited);
    await restoreInTurn(known, own, { freshness, signal: limited });
  };
  await fewAtOnce(volumes.all(), signal, repairOne, limitMs);
}

async function restoreInTurn({ volume }: KnownVolume, ports: VolumePorts, asking: Asking): Promise<void> {
  using claim = await ports.volumes.claimInTurn(volume, asking.signal);
  if (claim !== undefined) await restore(volume, ports, asking);
}
