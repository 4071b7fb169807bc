import { DriverError } from "../errors.ts";
import type { SecretProviderClass, Volume } from "../model.ts";
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
 * what is edited meanwhile counts from when the API is back.
 */
export async function currentClass(
  known: KnownVolume,
  ports: VolumePorts,
  asking: Asking,
): Promise<SecretProviderClass> {
  try {
    return await readClass(known.volume, ports, asking);
  } catch (error) {
    const isAway = error instanceof DriverError && error.reason === "KubernetesUnavailable";
    if (isAway && known.secretProviderClass !== undefined) return known.secretProviderClass;
    throw error;
  }
}
