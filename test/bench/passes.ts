import { setTimeout as delay } from "node:timers/promises";
import { phaseOf } from "../../src/rotation/choice.ts";
import { NODE_NAME, type Subject } from "./subject.ts";
import { timed } from "./timing.ts";

/** Longer than any pass that is measured lasts, twice: in the middle between two passes nothing happens. */
const INTERVAL_S = 3;
const INTERVAL_MS = INTERVAL_S * 1000;
/** How often it is asked whether a pass is over: each time costs the plugin a little. */
const LOOK_EVERY_MS = 5;

/** The passes of a plugin that rotates: when they are, and how long they last. */
export interface Passes {
  /** Resolves in the middle between the next two. */
  oneOver(): Promise<void>;
  /** Ms of the next one, over so many volumes, as its metric tells; the looking is within. */
  durationOf(volumes: number): Promise<number>;
  /** Volumes that were refreshed since the process started. */
  refreshed(): Promise<number>;
}

/** Starts the plugin anew, with rotation, and waits for the middle between two passes. */
export async function startRotation({ restart, metricsUrl }: Subject): Promise<Passes> {
  if (restart === undefined || metricsUrl === undefined) throw new Error("this plugin is not ours to start");
  await restart("--enable-secret-rotation", `--rotation-poll-interval=${INTERVAL_S}s`);
  const refreshed = (): Promise<number> => countRefreshed(metricsUrl);
  return {
    oneOver: async () => delay(untilNext() + INTERVAL_MS / 2),
    durationOf: async (volumes) => {
      const before = await refreshed();
      await delay(untilNext());
      return timed(async () => {
        while ((await refreshed()) < before + volumes) await delay(LOOK_EVERY_MS);
      });
    },
    refreshed,
  };
}

/** Ms until this node's next pass begins. */
function untilNext(): number {
  const phase = phaseOf("rotation", NODE_NAME, INTERVAL_MS);
  return INTERVAL_MS - ((Date.now() - phase) % INTERVAL_MS);
}

async function countRefreshed(metricsUrl: string): Promise<number> {
  const text = await (await fetch(metricsUrl)).text();
  const samples = text.split("\n").filter((line) => /^rotation_reconcile(_error)?_total\{/.test(line));
  return samples.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}
