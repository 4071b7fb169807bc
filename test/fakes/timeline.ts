import { setImmediate } from "node:timers/promises";

/** A clock that jumps from one thing that happens to the next. */
export interface Timeline {
  elapsedMs(): number;
  at(elapsedMs: number, happen: () => void): void;
  every(periodMs: number, happen: () => void): void;
  /** Rejects with the signal's reason when that fires first. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
  /** Lets everything happen until then, each with what follows from it at once. */
  runUntil(elapsedMs: number): Promise<void>;
}

interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly happen: () => void;
}

export function createTimeline(start: Date, setClock: (now: Date) => void): Timeline {
  const entries: Entry[] = [];
  let nowMs = 0;
  let order = 0;

  function at(atMs: number, happen: () => void): void {
    const entry = { atMs, order: (order += 1), happen };
    const after = entries.findIndex((other) => other.atMs > atMs);
    entries.splice(after < 0 ? entries.length : after, 0, entry);
  }

  function every(periodMs: number, happen: () => void): void {
    at(nowMs + periodMs, () => {
      every(periodMs, happen);
      happen();
    });
  }

  return {
    elapsedMs: () => nowMs,
    at,
    every,
    pause: (ms, signal) =>
      new Promise((resolve, reject) => {
        const leave = (): void => {
          reject(new Error("left", { cause: signal.reason }));
        };
        if (signal.aborted) leave();
        signal.addEventListener("abort", leave, { once: true });
        at(nowMs + ms, resolve);
      }),
    runUntil: async (untilMs) => {
      for (let next = entries[0]; next !== undefined && next.atMs <= untilMs; next = entries[0]) {
        entries.shift();
        nowMs = next.atMs;
        setClock(new Date(start.getTime() + nowMs));
        next.happen();
        await settled();
      }
    },
  };
}

/** Whatever follows without time passing is done: promises run before the next turn of the loop. */
async function settled(): Promise<void> {
  await setImmediate();
  await setImmediate();
}
