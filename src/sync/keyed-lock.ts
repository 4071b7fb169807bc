import { DriverError } from "../errors.ts";

/** Serialises work on one thing: whoever wants the same may come while an earlier one is still at it. */
export interface KeyedLock {
  /**
   * Runs the work when all earlier work under this key is done; whose signal fires while waiting leaves with Busy. A failure
   * that `concernsAll` is that of all who wait: they are told the same, and do not try what will fare no better.
   */
  hold<T>(
    key: string,
    signal: AbortSignal,
    work: () => Promise<T>,
    concernsAll?: (failure: unknown) => boolean,
  ): Promise<T>;
}

/** How work ended, as far as those behind it are concerned. */
type End = { readonly failure: unknown } | undefined;

export function createKeyedLock(): KeyedLock {
  const tails = new Map<string, Promise<End>>();
  return {
    hold: (key, signal, work, concernsAll = () => false) => {
      const ahead = tails.get(key);
      const end = ahead === undefined ? Promise.resolve(undefined) : waitFor(ahead, signal, key);
      const turn = end.then((before) => {
        if (before !== undefined) throw before.failure;
        return work();
      });
      // Who left the queue must not let the next one in before those ahead are done.
      const tail = Promise.allSettled([ahead, turn]).then(([before, mine]): End => {
        if (tails.get(key) === tail) tails.delete(key);
        if (mine.status === "rejected" && concernsAll(mine.reason)) return { failure: mine.reason };
        return before.status === "fulfilled" ? before.value : undefined;
      });
      tails.set(key, tail);
      return turn;
    },
  };
}

function waitFor(ahead: Promise<End>, signal: AbortSignal, key: string): Promise<End> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      reject(new DriverError("Busy", `another operation on ${key} is still at work; it will be tried again`));
    };
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
    void ahead.then((end) => {
      signal.removeEventListener("abort", leave);
      resolve(end);
    });
  });
}
