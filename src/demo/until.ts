import { setTimeout as delay } from "node:timers/promises";

const LONGEST_MS = 15_000;

/** Resolves as soon as it holds; rejects when that takes too long. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + LONGEST_MS;
  while (!(await holds())) {
    if (Date.now() > giveUpAt) throw new Error(`this should have happened within ${LONGEST_MS / 1000} s: ${what}`);
    await delay(20);
  }
}
