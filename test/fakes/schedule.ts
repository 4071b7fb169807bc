import type { Schedule } from "../../src/ports.ts";

/** Runs the tasks when the test says so. */
export interface FakeSchedule extends Schedule {
  /** Runs every task once, or those of one period. */
  run(periodMs?: number): Promise<void>;
}

export function createFakeSchedule(): FakeSchedule {
  const tasks = new Set<{ readonly periodMs: number; readonly task: Parameters<Schedule["every"]>[1] }>();
  return {
    every: (periodMs, task) => {
      const entry = { periodMs, task };
      tasks.add(entry);
      return {
        stop: () => {
          tasks.delete(entry);
          return Promise.resolve();
        },
      };
    },
    run: async (wanted) => {
      for (const { periodMs, task } of tasks)
        if (wanted === undefined || wanted === periodMs) await task(new AbortController().signal);
    },
  };
}
