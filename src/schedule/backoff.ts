import { setTimeout } from "node:timers/promises";
import type { Backoff } from "../ports.ts";

const FIRST_MS = 20;
const LONGEST_MS = 2_000;

export const backoff: Backoff = (tries, signal) =>
  setTimeout(pauseMs(tries, Math.random()), undefined, { signal, ref: false }).catch(() => undefined);

/** Full jitter: a part, drawn from 0 to 1, of a limit that doubles with each try. */
export function pauseMs(tries: number, drawn: number): number {
  return drawn * Math.min(LONGEST_MS, FIRST_MS * 2 ** tries);
}
