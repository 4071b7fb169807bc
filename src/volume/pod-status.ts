import { podStatusName } from "../formats/pod-status-name.ts";
import type { ObjectVersion, PodStatus, Volume } from "../model.ts";

/**
 * What is reported of a published volume. Objects are sorted by id, so that equal content is an equal object and causes
 * no watch event; of several entries with one id the last counts, as with the established driver.
 */
export function podStatusOf(volume: Volume, versions: readonly ObjectVersion[], nodeName: string): PodStatus {
  const byId = new Map(versions.map(({ id, version }) => [id, version]));
  const objects = [...byId].map(([id, version]) => ({ id, version }));
  return {
    ref: { namespace: volume.pod.namespace, name: podStatusName(volume) },
    pod: volume.pod,
    nodeName,
    className: volume.className,
    targetPath: volume.targetPath,
    objects: objects.sort((a, b) => (a.id < b.id ? -1 : 1)),
  };
}
