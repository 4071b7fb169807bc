import { syncBuiltinESMExports } from "node:module";
import { mock } from "node:test";

/** Time that passes as fast as the work in it is done: timers and the time of day are played, promises are real. */
export interface PlayedTime {
  pass(ms: number): Promise<void>;
  [Symbol.dispose](): void;
}

/** Answers and timers come to this. */
const STEP_MS = 10;

/** From here on, for the whole process. */
export function playTime(): PlayedTime {
  // Taken before they are played.
  const { setImmediate: later } = globalThis;
  const settle = (): Promise<void> => new Promise((resolve) => later(resolve));
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: Date.UTC(2026, 0, 1) });
  // Who imports a timer by its name sees the played one.
  syncBuiltinESMExports();
  return {
    pass: async (ms) => {
      for (let passed = 0; passed < ms; passed += STEP_MS) {
        mock.timers.tick(STEP_MS);
        await settle();
      }
    },
    [Symbol.dispose]: () => {
      mock.timers.reset();
      syncBuiltinESMExports();
    },
  };
}
