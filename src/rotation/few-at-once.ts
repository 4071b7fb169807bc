import type { KnownVolume } from "../volume/volumes.ts";

/** Nobody waits for these, and the API server has others to serve. */
const AT_ONCE = 5;
/** What one volume may take, so that an API server which hangs now and then does not hold up the others. */
const VOLUME_LIMIT_MS = 30_000;

/** Does something with every volume, a few at once; the signal of each fires at its limit, and when that of all does. */
export async function fewAtOnce(
  volumes: readonly KnownVolume[],
  signal: AbortSignal,
  work: (known: KnownVolume, limited: AbortSignal) => Promise<void>,
  limitMs = VOLUME_LIMIT_MS,
): Promise<void> {
  const queue = volumes.values();

  async function takeNext(): Promise<void> {
    for (const known of queue) {
      if (signal.aborted) return;
      await work(known, AbortSignal.any([signal, AbortSignal.timeout(limitMs)]));
    }
  }

  await Promise.all(Array.from({ length: AT_ONCE }, takeNext));
}
