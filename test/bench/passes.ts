import { setTimeout as delay } from "node:timers/promises";
import { phaseOf } from "../../src/rotation/choice.ts";
import { NODE_NAME, type Subject } from "./subject.ts";
import { timed } from "./timing.ts";

/** Longer than a pass over so many volumes lasts, twice: in the middle between two passes nothing happens. */
function intervalFor(volumes: number): number {
  return volumes > 200 ? 8 : 3;
}

/** How often it is asked whether a pass is over: each time costs the plugin a little. */
const LOOK_EVERY_MS = 5;

/** The passes of a plugin that rotates: when they are, and how long they last. */
export interface Passes {
  /** Resolves in the middle between the next two. */
  oneOver(): Promise<void>;
  /** Ms of the next one, as its metric tells; the looking is within. */
  duration(): Promise<number>;
  /** Volumes that were refreshed since the process started. */
  refreshed(): Promise<number>;
}

/** Starts the plugin anew, with rotation of so many volumes. */
export async function startRotation({ restart, metricsUrl }: Subject, volumes: number): Promise<Passes> {
  if (restart === undefined || metricsUrl === undefined) throw new Error("this plugin is not ours to start");
  const seconds = intervalFor(volumes);
  const intervalMs = seconds * 1000;
  await restart("--enable-secret-rotation", `--rotation-poll-interval=${seconds}s`);
  const refreshed = (): Promise<number> => countRefreshed(metricsUrl);
  return {
    oneOver: async () => delay(untilNext(intervalMs) + intervalMs / 2),
    duration: async () => {
      const before = await refreshed();
      await delay(untilNext(intervalMs));
      return timed(async () => {
        while ((await refreshed()) < before + volumes) await delay(LOOK_EVERY_MS);
      });
    },
    refreshed,
  };
}

/** Ms until this node's next pass begins. */
function untilNext(intervalMs: number): number {
  const phase = phaseOf("rotation", NODE_NAME, intervalMs);
  return intervalMs - ((Date.now() - phase) % intervalMs);
}

async function countRefreshed(metricsUrl: string): Promise<number> {
  const text = await (await fetch(metricsUrl)).text();
  const samples = text.split("\n").filter((line) => /^rotation_reconcile(_error)?_total\{/.test(line));
  return samples.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}
