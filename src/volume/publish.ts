import { DriverError, messageOf } from "../errors.ts";
import type { PublishRequest, SecretProviderClass, Volume } from "../model.ts";
import type { Call } from "../ports.ts";
import { fetchContent, type CheckedContent } from "./content.ts";
import { deliver } from "./deliver.ts";
import { forMount } from "./freshness.ts";
import { whilePrepared } from "./prepared.ts";
import { isPublished } from "./published.ts";
import { readClass } from "./secret-class.ts";
import { settle } from "./settle.ts";
import type { VolumePorts } from "./volume-ports.ts";
import type { KnownVolume } from "./volumes.ts";

/** A pod that has its files does not wait longer for what Kubernetes is told of them; the rest is owed. */
const DELIVERY_LIMIT_MS = 10_000;

/** Whose content a published volume holds; empty while that is not known. */
export interface Published {
  readonly provider: string;
}

/** Content that a volume was filled with; without a claim where somebody else had published it. */
interface Filled {
  readonly content: CheckedContent;
  readonly claim: Disposable | undefined;
}

/**
 * NodePublishVolume. After success the target is a mount with the whole content, its credentials are known, and what
 * Kubernetes is told of it is written or owed. After failure nothing that this call made is left. Idempotent.
 */
export async function publishVolume(
  request: PublishRequest,
  ports: VolumePorts,
  call: Call,
  deliveryLimitMs = DELIVERY_LIMIT_MS,
): Promise<Published> {
  const { signal } = call;
  if (await isPublished(request.volume, ports)) return acknowledge(request, ports, signal);
  const { volume } = request;
  const asking = { freshness: forMount(ports.clock, call), signal };
  const [handedOverAt, freshAt] = [ports.elapsed(), ports.clock()];
  const secretProviderClass = await readClass(volume, ports, asking);
  const fill = async (): Promise<Filled> => {
    const content = await fetchContent(request, secretProviderClass, ports, asking);
    const claim = await ports.locks.hold(volume.targetPath, signal, async () => {
      if (!(await populate(volume, content, ports, signal))) return undefined;
      ports.volumes.remember({ ...published(request, secretProviderClass, content), handedOverAt, freshAt });
      // At once, before a rotation pass can find the volume: what it owes is told with this content and no other.
      return ports.volumes.claim(volume);
    });
    return { content, claim };
  };
  const writesIntoTarget = ports.providers.writesIntoTarget(secretProviderClass.provider);
  const filled = await (writesIntoTarget ? whilePrepared(volume, ports, signal, fill) : fill());
  using claim = filled.claim;
  if (claim === undefined) return await acknowledge(request, ports, signal);
  logPublished(volume, ports);
  const limited = AbortSignal.any([signal, AbortSignal.timeout(deliveryLimitMs)]);
  await deliver({ volume, files: filled.content.payload, occasion: "publish" }, ports, limited);
  return { provider: secretProviderClass.provider };
}

function published(
  { volume, attributes, credentials }: PublishRequest,
  secretProviderClass: SecretProviderClass,
  { versions }: CheckedContent,
): Omit<KnownVolume, "handedOverAt" | "freshAt"> {
  const owed = { report: "owed", secretsOwed: true, failing: false } as const;
  return { volume, attributes, credentials, secretProviderClass, versions, ...owed };
}

function logPublished({ pod, className, targetPath }: Volume, { log }: VolumePorts): void {
  log.info("Volume published", { pod: `${pod.namespace}/${pod.name}`, secretProviderClass: className, targetPath });
}

/** A republish, or a volume that somebody else published. It costs no request unless one is owed. */
async function acknowledge(request: PublishRequest, ports: VolumePorts, signal: AbortSignal): Promise<Published> {
  const known = ports.volumes.handOver(request, ports.elapsed()) ?? (await takeOver(request, ports, signal));
  await settle(known, ports, signal);
  return { provider: known.secretProviderClass?.provider ?? "" };
}

/** Under the lock, so that a volume which is being unpublished is not remembered with its credentials. */
function takeOver(request: PublishRequest, ports: VolumePorts, signal: AbortSignal): Promise<KnownVolume> {
  const { volume, attributes, credentials } = request;
  return ports.locks.hold(volume.targetPath, signal, async () => {
    if (!(await isPublished(volume, ports)))
      throw new DriverError("Busy", `${volume.targetPath} was unpublished meanwhile; kubelet will try again`);
    const handedOverAt = ports.elapsed();
    const unknown = { secretProviderClass: undefined, versions: undefined, report: "unknown" } as const;
    return (
      ports.volumes.handOver(request, handedOverAt) ??
      ports.volumes.remember({
        volume,
        attributes,
        credentials,
        ...unknown,
        handedOverAt,
        freshAt: ports.clock(),
        secretsOwed: true,
        failing: false,
      })
    );
  });
}

/**
 * Under the lock the facts are looked at again: the caller may have left, or another call have published meanwhile; then
 * the answer is false, and what that call wrote and reported stays.
 */
async function populate(
  volume: Volume,
  { payload }: CheckedContent,
  ports: VolumePorts,
  signal: AbortSignal,
): Promise<boolean> {
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
    const err = messageOf(error);
    log.error("failed to unmount a volume whose content could not be written", { targetPath, err });
  }
}
