import type { Ages } from "../ports.ts";
import type { KnownVolume } from "../volume/volumes.ts";

/** More classes than this on one node are not told one by one: their names are labels of metrics. */
const MOST_CLASSES = 200;

/** How up to date the known volumes are; without rotation none of them waits. */
export function agesOf(known: readonly KnownVolume[], { rotates }: { readonly rotates: boolean }): Ages {
  const times = known.map(({ freshAt }) => freshAt.getTime());
  return {
    oldest: rotates && times.length > 0 ? new Date(times.reduce((a, b) => Math.min(a, b))) : undefined,
    classes: latestOfClasses(known),
    owing: known.filter(({ report, secretsOwed }) => report !== "told" || secretsOwed).length,
    failing: known.filter(({ failing }) => failing).length,
  };
}

/** The latest of each class: that one of its volumes waits is told by the oldest. */
function latestOfClasses(known: readonly KnownVolume[]): Ages["classes"] {
  const latest = new Map<string, Ages["classes"][number]>();
  for (const { volume, freshAt } of known) {
    const ref = { namespace: volume.pod.namespace, name: volume.className };
    const key = `${ref.namespace}/${ref.name}`;
    const before = latest.get(key);
    if (before === undefined ? latest.size < MOST_CLASSES : before.freshAt < freshAt) latest.set(key, { ref, freshAt });
  }
  return [...latest.values()];
}
