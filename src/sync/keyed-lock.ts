import { DriverError } from "../errors.ts";

/** Serialises the local changes of one target: kubelet may ask again while an earlier call is still at work. */
export interface KeyedLock {
  /** Runs the work when all earlier work under this key is done; whose signal fires while waiting leaves with Busy. */
  hold<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

export function createKeyedLock(): KeyedLock {
  const tails = new Map<string, Promise<unknown>>();
  return {
    hold: (key, signal, work) => {
      const earlier = tails.get(key) ?? Promise.resolve();
      const turn = waitFor(earlier, signal, key).then(work);
      // Who left the queue must not let the next one in before those ahead are done.
      const tail = Promise.allSettled([earlier, turn]).then(() => {
        if (tails.get(key) === tail) tails.delete(key);
      });
      tails.set(key, tail);
      return turn;
    },
  };
}

function waitFor(earlier: Promise<unknown>, signal: AbortSignal, key: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      reject(new DriverError("Busy", `another operation on ${key} is still at work; kubelet will try again`));
    };
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
    void earlier.then(() => {
      signal.removeEventListener("abort", leave);
      resolve();
    });
  });
}
