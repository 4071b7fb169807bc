import { DriverError } from "../errors.ts";
import type { PublishRequest, Volume } from "../model.ts";
import { freshen } from "./freshen.ts";
import { podStatusName } from "./pod-status.ts";
import type { VolumePorts } from "./volume-ports.ts";
import type { KnownVolume } from "./volumes.ts";

/** Pays what a volume owes, if anything. What fails stays owed and is logged: a good volume is never given up for it. */
export async function payDebt(known: KnownVolume, ports: VolumePorts, signal: AbortSignal): Promise<void> {
  const { volume, debt } = known;
  if (debt === undefined) return;
  try {
    if (debt.kind === "status") await ports.statuses.apply(debt.status, signal);
    else await takeOver(debt.request, ports, signal);
    ports.volumes.settle(known);
  } catch (error) {
    logUnpaid(volume, error, ports);
  }
}

/** The pair, or this program before it was killed, published the volume: is there a status that names this very pod? */
async function takeOver(request: PublishRequest, ports: VolumePorts, signal: AbortSignal): Promise<void> {
  const { volume } = request;
  const ref = { namespace: volume.pod.namespace, name: podStatusName(volume) };
  const live = await ports.statuses.read(ref, signal);
  if (!live?.ownerUids.includes(volume.pod.uid)) await freshen(request, ports, signal);
}

function logUnpaid({ pod, targetPath }: Volume, error: unknown, { log }: VolumePorts): void {
  const told = error instanceof DriverError ? { reason: error.reason, err: error.message } : { err: "internal error" };
  log.error(`failed to create secret provider class pod status for pod ${pod.namespace}/${pod.name}, will try again`, {
    pod: `${pod.namespace}/${pod.name}`,
    targetPath,
    ...told,
  });
}
