import { DriverError } from "../errors.ts";
import type { Payload, PublishRequest, Volume } from "../model.ts";
import type { Call } from "../ports.ts";
import { fetchContent } from "./content.ts";
import { payDebt } from "./debts.ts";
import { forMount } from "./freshness.ts";
import { podStatusOf } from "./pod-status.ts";
import { isPublished } from "./published.ts";
import type { VolumePorts } from "./volume-ports.ts";
import type { KnownVolume } from "./volumes.ts";

/**
 * NodePublishVolume. After success the target is a mount with the whole content, and the pod's status is written or
 * owed. After failure nothing that this call made is left. Idempotent.
 */
export async function publishVolume(request: PublishRequest, ports: VolumePorts, call: Call): Promise<void> {
  const { signal } = call;
  if (await isPublished(request.volume, ports)) {
    await acknowledge(request, ports, signal);
    return;
  }
  const { volume } = request;
  const { payload, versions } = await fetchContent(request, ports, forMount(ports.clock, call), signal);
  const status = podStatusOf(volume, versions, ports.nodeName);
  const known = await ports.locks.hold(volume.targetPath, signal, async () =>
    (await populate(volume, payload, ports, signal))
      ? ports.volumes.remember(volume, { kind: "status", status })
      : undefined,
  );
  if (known === undefined) {
    await acknowledge(request, ports, signal);
    return;
  }
  const { pod, className, targetPath } = volume;
  ports.log.info("Volume published", {
    pod: `${pod.namespace}/${pod.name}`,
    secretProviderClass: className,
    targetPath,
  });
  await payDebt(known, ports, signal);
}

/** A republish, or a volume that somebody else published. It costs no request unless one is owed. */
async function acknowledge(request: PublishRequest, ports: VolumePorts, signal: AbortSignal): Promise<void> {
  const known = ports.volumes.get(request.volume.targetPath);
  const owed = known === undefined || known.debt?.kind === "takeover";
  await payDebt(owed ? await oweTakeover(request, ports, signal) : known, ports, signal);
}

/** Under the lock, so that a volume which is being unpublished is not remembered with its credentials. */
function oweTakeover(request: PublishRequest, ports: VolumePorts, signal: AbortSignal): Promise<KnownVolume> {
  const { volume } = request;
  return ports.locks.hold(volume.targetPath, signal, async () => {
    if (!(await isPublished(volume, ports)))
      throw new DriverError("Busy", `${volume.targetPath} was unpublished meanwhile; kubelet will try again`);
    return ports.volumes.remember(volume, { kind: "takeover", request, since: ports.clock() });
  });
}

/**
 * Under the lock the facts are looked at again: the caller may have left, or another call have published meanwhile; then
 * the answer is false, and what that call wrote and reported stays.
 */
async function populate(volume: Volume, payload: Payload, ports: VolumePorts, signal: AbortSignal): Promise<boolean> {
  if (await isPublished(volume, ports)) return false;
  if (signal.aborted)
    throw new DriverError("DeadlineExceeded", "the caller's deadline ended before the volume was mounted");
  const { targetPath, group } = volume;
  const state = await ports.mounter.look(targetPath);
  if (state === "broken") await ports.mounter.unmount(targetPath);
  // A mount without content is what a crash left; a pod may already see it, so it is filled and not replaced.
  const ours = state !== "mounted";
  if (ours) await ports.mounter.mountTmpfs(targetPath);
  try {
    await ports.files.write(targetPath, payload, group);
  } catch (error) {
    if (ours) await undo(targetPath, ports);
    throw error;
  }
  return true;
}

async function undo(targetPath: string, { mounter, log }: VolumePorts): Promise<void> {
  try {
    await mounter.unmount(targetPath);
  } catch (error) {
    const err = error instanceof DriverError ? error.message : "internal error";
    log.error("failed to unmount a volume whose content could not be written", { targetPath, err });
  }
}
