import type { LiveSecret, ObjectRef } from "../model.ts";
import type { Elapsed, Secrets } from "../ports.ts";

/** Values do not stay in memory: an answer serves others for so long (design section 5). */
const KEPT_MS = 2_000;

export interface SharedReadsOptions {
  readonly elapsed: Elapsed;
  /** Ends the reads, of which no one belongs to a single asker. */
  readonly signal: AbortSignal;
}

/**
 * Secrets that are read once for all who ask at about the same time, as replicas do. Whoever writes one makes the next read
 * of it a new one; a write that builds on an answer that is outdated by then is a conflict, as ever.
 */
export function shareReads(secrets: Secrets, { elapsed, signal }: SharedReadsOptions): Secrets {
  const reads = new Map<string, { readonly answer: Promise<LiveSecret | undefined>; readonly atMs: number }>();

  function dropOld(): void {
    for (const [key, { atMs }] of reads) if (elapsed() - atMs >= KEPT_MS) reads.delete(key);
  }

  async function start(ref: ObjectRef): Promise<LiveSecret | undefined> {
    try {
      return await secrets.read(ref, signal);
    } catch (error) {
      reads.delete(keyOf(ref));
      throw error;
    }
  }

  return {
    read: (ref) => {
      dropOld();
      const read = reads.get(keyOf(ref)) ?? { answer: start(ref), atMs: elapsed() };
      reads.set(keyOf(ref), read);
      return read.answer;
    },
    create: async (secret, own) => {
      try {
        return await secrets.create(secret, own);
      } finally {
        reads.delete(keyOf(secret.ref));
      }
    },
    patch: async (seen, changes, own) => {
      try {
        return await secrets.patch(seen, changes, own);
      } finally {
        reads.delete(keyOf(seen.ref));
      }
    },
  };
}

function keyOf({ namespace, name }: ObjectRef): string {
  return `${namespace}/${name}`;
}
