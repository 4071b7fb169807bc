import { setTimeout } from "node:timers/promises";
import type { Logger } from "../log.ts";
import type { Schedule } from "../ports.ts";

/** Periods by the platform's own timer; docs/adr/0002 says why not by cron. A task that throws is logged and run again. */
export function createTimerSchedule(log: Logger): Schedule {
  return {
    every: (periodMs, task) => {
      const stopped = new AbortController();
      const running = repeat(periodMs, () => guarded(task, stopped.signal, log), stopped.signal);
      return {
        stop: async () => {
          stopped.abort();
          await running;
        },
      };
    },
  };
}

async function repeat(periodMs: number, run: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (await pause(periodMs, signal)) await run();
}

/** False when the pause was cut short by the signal. */
function pause(periodMs: number, signal: AbortSignal): Promise<boolean> {
  return setTimeout(periodMs, true, { signal, ref: false }).catch(() => false);
}

async function guarded(task: (signal: AbortSignal) => Promise<void>, signal: AbortSignal, log: Logger): Promise<void> {
  try {
    await task(signal);
  } catch (error) {
    log.error("a scheduled task failed", { err: error instanceof Error ? error.name : "unknown" });
  }
}
