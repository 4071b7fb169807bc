import { setTimeout } from "node:timers/promises";
import type { Logger } from "../log.ts";
import type { Schedule } from "../ports.ts";
import { pauseUntilPhase } from "./phase.ts";

/** A timer runs 2^31 - 1 ms at most, which is a little more. */
export const LONGEST_PERIOD_MS = 596 * 3_600_000;

/** Periods by the platform's own timer; docs/adr/0002 says why not by cron. A task that throws is logged and run again. */
export function createTimerSchedule(log: Logger): Schedule {
  return {
    every: (periodMs, task, phaseMs) => {
      const stopped = new AbortController();
      const pauseMs = (): number => (phaseMs === undefined ? periodMs : pauseUntilPhase(Date.now(), periodMs, phaseMs));
      const running = repeat(pauseMs, () => guarded(task, stopped.signal, log), stopped.signal);
      return {
        stop: async () => {
          stopped.abort();
          await running;
        },
      };
    },
  };
}

async function repeat(pauseMs: () => number, run: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (await pause(pauseMs(), signal)) await run();
}

/** False when the pause was cut short by the signal. */
function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return setTimeout(ms, true, { signal, ref: false }).catch(() => false);
}

async function guarded(task: (signal: AbortSignal) => Promise<void>, signal: AbortSignal, log: Logger): Promise<void> {
  try {
    await task(signal);
  } catch (error) {
    log.error("a scheduled task failed", { err: error instanceof Error ? error.name : "unknown" });
  }
}
