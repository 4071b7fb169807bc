import { DriverError } from "../errors.ts";
import type { SecretProviderClass, Volume } from "../model.ts";
import { mayPass } from "./refusal.ts";
import type { Asking, VolumePorts } from "./volume-ports.ts";
import type { KnownVolume } from "./volumes.ts";

/** The class that a volume names, as it is now. */
export function readClass(
  { pod, className }: Volume,
  { classes }: Pick<VolumePorts, "classes">,
  { freshness, signal }: Asking,
): Promise<SecretProviderClass> {
  return classes.read({ namespace: pod.namespace, name: className }, freshness, signal);
}

/**
 * The class of a volume that is refreshed: while the Kubernetes API is away, as it was last. Rotation goes on then, and
 * what is edited meanwhile counts from when the API is back. So it is for a first minute of refusals; after that a refusal
 * is thrown, since somebody took a right away and is to be told.
 */
export async function currentClass(
  known: KnownVolume,
  ports: VolumePorts,
  asking: Asking,
): Promise<SecretProviderClass> {
  try {
    const secretProviderClass = await readInTime(known.volume, ports, asking);
    if (known.refusedSince !== undefined) ports.volumes.change(known.volume, { refusedSince: undefined });
    return secretProviderClass;
  } catch (error) {
    if (known.secretProviderClass !== undefined && willPass(error, known, ports)) return known.secretProviderClass;
    throw error;
  }
}

async function readInTime(
  volume: Volume,
  ports: Pick<VolumePorts, "classes">,
  asking: Asking,
): Promise<SecretProviderClass> {
  const { freshness, signal, classWithinMs } = asking;
  if (classWithinMs === undefined) return readClass(volume, ports, asking);
  const limit = AbortSignal.timeout(classWithinMs);
  try {
    return await readClass(volume, ports, { freshness, signal: AbortSignal.any([signal, limit]) });
  } catch (error) {
    if (!limit.aborted || signal.aborted) throw error;
    const { pod, className } = volume;
    const beginning = `failed to get secretproviderclass ${pod.namespace}/${className}, error: `;
    throw new DriverError("KubernetesUnavailable", `${beginning}no answer from the Kubernetes API in time`, {
      cause: error,
    });
  }
}

/** Whether the failure is the API's and not this class's. */
function willPass(error: unknown, { volume, refusedSince }: KnownVolume, { volumes, elapsed }: VolumePorts): boolean {
  if (!(error instanceof DriverError)) return false;
  if (error.reason !== "PermissionDenied") return error.reason === "KubernetesUnavailable";
  const since = refusedSince ?? elapsed();
  volumes.change(volume, { refusedSince: since });
  return mayPass(since, elapsed());
}
