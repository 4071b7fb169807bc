import { createHash } from "node:crypto";
import type { PodEvent, PodRef } from "../model.ts";
import type { Clock } from "../ports.ts";

/** So many are counted on when they come again; beyond that the oldest are new events. */
const MOST_COUNTED = 2_000;
/** Kubernetes: names of objects have at most 253 characters; the number behind the pod's name takes 17. */
const LONGEST_POD_NAME = 253 - 17;

/** One event object, as it is now. */
export interface Tally {
  readonly pod: PodRef;
  readonly event: PodEvent;
  readonly name: string;
  readonly first: Date;
  last: Date;
  count: number;
}

/** The same words about the same pod are one event object whose count grows. */
export interface Tallies {
  count(pod: PodRef, event: PodEvent): Tally;
}

export function createTallies(clock: Clock): Tallies {
  const counted = new Map<string, Tally>();
  return {
    count: (pod, event) => {
      const key = JSON.stringify([pod.uid, event.reason, event.message]);
      const now = clock();
      const tally = counted.get(key) ?? { pod, event, name: nameOf(pod, key, now), first: now, last: now, count: 0 };
      tally.last = now;
      tally.count += 1;
      // The order of a Map is that of insertion: the first is what was counted longest ago.
      counted.delete(key);
      counted.set(key, tally);
      for (const oldest of counted.keys()) if (counted.size > MOST_COUNTED) counted.delete(oldest);
      return tally;
    },
  };
}

/** The same words in another run of this program are another event: it does not know how often they were said before. */
function nameOf({ name }: PodRef, key: string, first: Date): string {
  const number = createHash("sha256").update(`${key}${first.toISOString()}`).digest("hex").slice(0, 16);
  return `${name.slice(0, LONGEST_POD_NAME).replace(/[-.]+$/, "")}.${number}`;
}
