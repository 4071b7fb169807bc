import type { ObjectRef } from "../model.ts";
import type { Ages } from "../ports.ts";
import type { KnownVolume } from "../volume/volumes.ts";

/** More classes than this on one node are not told one by one: their names are labels of metrics. */
const MOST_CLASSES = 200;

/** How up to date the known volumes are; without rotation none of them waits. */
export function agesOf(known: readonly KnownVolume[], { rotates }: { readonly rotates: boolean }): Ages {
  const times = known.map(({ freshAt }) => freshAt.getTime());
  return {
    oldest: rotates && times.length > 0 ? new Date(times.reduce((a, b) => Math.min(a, b))) : undefined,
    classes: longestWaitOfClasses(known),
    owing: known.filter(({ report, secretsOwed }) => report !== "told" || secretsOwed).length,
    failing: rotates ? known.filter(({ failing }) => failing).length : 0,
  };
}

/**
 * The volume of each class that waits longest, so that it is seen which class does. Not before this process has fetched content
 * of the class: of volumes that it took over it knows no success.
 */
function longestWaitOfClasses(known: readonly KnownVolume[]): Ages["classes"] {
  const classes = new Map<string, { ref: ObjectRef; freshAt: Date; succeeded: boolean }>();
  for (const { volume, versions, freshAt } of known) {
    const ref = { namespace: volume.pod.namespace, name: volume.className };
    const key = `${ref.namespace}/${ref.name}`;
    const before = classes.get(key);
    const succeeded = before?.succeeded === true || versions !== undefined;
    classes.set(key, { ref, succeeded, freshAt: before && before.freshAt < freshAt ? before.freshAt : freshAt });
  }
  const told = [...classes.values()].filter(({ succeeded }) => succeeded).slice(0, MOST_CLASSES);
  return told.map(({ ref, freshAt }) => ({ ref, freshAt }));
}
