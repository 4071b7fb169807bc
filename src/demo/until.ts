import { setTimeout as delay } from "node:timers/promises";

const LONGEST_MS = 15_000;

/** What is found, as soon as it is there or holds; rejects when that takes too long. */
export async function until<T>(what: string, look: () => Promise<T | false | undefined>): Promise<T> {
  const giveUpAt = Date.now() + LONGEST_MS;
  while (Date.now() < giveUpAt) {
    const found = await look();
    if (found !== false && found !== undefined) return found;
    await delay(20);
  }
  throw new Error(`this should have happened within ${LONGEST_MS / 1000} s: ${what}`);
}
