import type { Volume } from "../model.ts";

/** `<pod>-<namespace>-<SecretProviderClass>`: the name under which dashboards and the established driver look for it. */
export function podStatusName(volume: Volume): string {
  return `${volume.pod.name}-${volume.pod.namespace}-${volume.className}`;
}
