import type { Call, Clock, Freshness } from "../ports.ts";

/** Pods that start together share one fetch: what another one's mount brought so recently is good enough. */
const MOUNT_TAKES_MS = 2_000;

/** What is left to do when the content is there: mount, write, report. */
const THEN_NEEDED_MS = 1_000;

/** For a pod that waits for its first content. */
export function forMount(clock: Clock, { deadline }: Call): Freshness {
  const needed = deadline && new Date(deadline.getTime() - THEN_NEEDED_MS);
  return { notOlderThan: recently(clock), priority: "mount", deadline: needed };
}

/** For a volume that has content already: nobody waits for it. */
export function forRepair(clock: Clock): Freshness {
  return { notOlderThan: recently(clock), priority: "rotation" };
}

/** For a rotation pass: what left since it began; who cannot be served before the next one is told so at once. */
export function forPass(startedAt: Date, intervalMs: number): Freshness {
  const deadline = new Date(startedAt.getTime() + intervalMs);
  return { notOlderThan: startedAt, priority: "rotation", deadline };
}

function recently(clock: Clock): Date {
  return new Date(clock().getTime() - MOUNT_TAKES_MS);
}
