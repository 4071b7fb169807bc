import { podStatusName } from "../formats/pod-status-name.ts";
import type { Volume } from "../model.ts";
import { report } from "./deliver.ts";
import { freshen } from "./freshen.ts";
import { forRepair } from "./freshness.ts";
import { isFetchable } from "./credentials.ts";
import { unreported } from "./pod-events.ts";
import type { VolumePorts } from "./volume-ports.ts";
import type { KnownVolume } from "./volumes.ts";

/** Pays the report that a volume owes, if any. What fails stays owed and is told. A volume in flight is left to those who have it. */
export async function settle({ volume }: KnownVolume, ports: VolumePorts, signal: AbortSignal): Promise<void> {
  using claim = ports.volumes.claim(volume);
  if (claim === undefined) return;
  const known = ports.volumes.current(volume);
  try {
    await (known?.report === "unknown" ? lookInto(known, ports, signal) : report(volume, ports, signal));
  } catch (error) {
    ports.events.record(volume.pod, unreported(volume, error));
  }
}

/** The pair, or this program before it was restarted, published the volume: is there a status that names this very pod? */
async function lookInto(known: KnownVolume, ports: VolumePorts, signal: AbortSignal): Promise<void> {
  const { volume } = known;
  if (await isReported(volume, ports, signal)) ports.volumes.change(volume, { report: "told" });
  // Without credentials it waits for kubelet's next publish.
  else if (isFetchable(known)) await freshen(known, ports, { freshness: forRepair(ports.clock), signal });
}

async function isReported(volume: Volume, { statuses }: VolumePorts, signal: AbortSignal): Promise<boolean> {
  const ref = { namespace: volume.pod.namespace, name: podStatusName(volume) };
  const live = await statuses.read(ref, signal);
  return live?.ownerUids.includes(volume.pod.uid) ?? false;
}
