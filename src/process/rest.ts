import type { Schedule } from "../ports.ts";
import type { ReleaseMemory } from "./memory.ts";

/** How often it is looked whether the process rests. */
export const LOOK_PERIOD_MS = 5_000;
/** Who used less of a core between two looks rests. */
const RESTING_MS = 100;
/** After less work there is little to give back. */
const WORTHWHILE_MS = 200;

/**
 * Gives memory back when work has come to an end: V8 keeps what a storm of pods needed until somebody asks for it, and a
 * node has other uses for it. `usedMs` is the processor time of the process so far.
 */
export function releaseAtRest(schedule: Schedule, release: ReleaseMemory, usedMs: () => number): AsyncDisposable {
  let seen = usedMs();
  let released = 0;
  const looking = schedule.every(LOOK_PERIOD_MS, () => {
    const used = usedMs();
    const rests = used - seen < RESTING_MS;
    if (rests && used - released >= WORTHWHILE_MS) {
      release();
      released = usedMs();
    }
    seen = usedMs();
    return Promise.resolve();
  });
  return { [Symbol.asyncDispose]: () => looking.stop() };
}

/** Processor time of this process, all threads. */
export function processorTimeMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
