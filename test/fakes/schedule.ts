import type { Schedule } from "../../src/ports.ts";

/** Runs the tasks when the test says so. */
export interface FakeSchedule extends Schedule {
  /** Runs every task once. */
  run(): Promise<void>;
}

export function createFakeSchedule(): FakeSchedule {
  const tasks = new Set<(signal: AbortSignal) => Promise<void>>();
  return {
    every: (_periodMs, task) => {
      tasks.add(task);
      return {
        stop: () => {
          tasks.delete(task);
          return Promise.resolve();
        },
      };
    },
    run: async () => {
      for (const task of tasks) await task(new AbortController().signal);
    },
  };
}
