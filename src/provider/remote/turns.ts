import PQueue from "p-queue";

/**
 * A pass refreshes all volumes of the node at the same moment, and nothing of theirs may be shared: a provider, and what is
 * behind it, is asked for so many at once. It also bounds what answers take of our memory.
 */
export const ROTATIONS_AT_ONCE = 20;

/** Runs work of one provider when its turn comes. */
export type Turns = <T>(name: string, work: () => Promise<T>) => Promise<T>;

/** By chance, and not in the order of asking: volumes that hang would keep those behind them from their turn in every pass. */
export function createTurns(): Turns {
  const queues = new Map<string, PQueue>();
  return (name, work) => {
    const queue = queues.get(name) ?? new PQueue({ concurrency: ROTATIONS_AT_ONCE });
    queues.set(name, queue);
    return queue.add(work, { priority: Math.random() });
  };
}
