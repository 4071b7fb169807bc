import type { Logger } from "../log.ts";
import type { PodEvent, PodRef } from "../model.ts";
import type { Clock, Events } from "../ports.ts";

/** The same words about the same pod are said again after so long: an event must not expire while its fault lasts (1 h). */
const AGAIN_MS = 30 * 60_000;
/** New words about one pod, of one reason, within an hour: a fault whose words change each time is bounded, too. */
const MOST_AN_HOUR = 10;
const HOUR_MS = 60 * 60_000;
/** More pods than a node has. */
const MOST_REMEMBERED = 5_000;

/** Something that was said. */
export interface Said {
  readonly message: string;
  readonly at: Date;
}

/** Whether a message is worth saying after these. */
export function isWorthSaying(said: readonly Said[], message: string, now: Date): boolean {
  const ageOf = ({ at }: Said): number => now.getTime() - at.getTime();
  if (said.some((one) => one.message === message && ageOf(one) < AGAIN_MS)) return false;
  return said.filter((one) => ageOf(one) < HOUR_MS).length < MOST_AN_HOUR;
}

/**
 * Events, and a log line for each, as far as they are worth saying: a vault that is down for an hour makes a handful for each
 * pod, not one at each pass.
 */
export function createNotices(events: Events, clock: Clock, log: Logger): Events {
  const remembered = new Map<string, readonly Said[]>();

  function remember(key: string, said: readonly Said[]): void {
    // The order of a Map is that of insertion: the first is who was spoken of longest ago.
    remembered.delete(key);
    remembered.set(key, said);
    for (const oldest of remembered.keys()) if (remembered.size > MOST_REMEMBERED) remembered.delete(oldest);
  }

  return {
    record: (pod, event) => {
      const key = `${pod.uid} ${event.reason}`;
      const now = clock();
      const said = remembered.get(key) ?? [];
      if (!isWorthSaying(said, event.message, now)) return;
      const recent = said.filter(({ at }) => now.getTime() - at.getTime() < HOUR_MS);
      remember(key, [...recent, { message: event.message, at: now }]);
      write(log, pod, event);
      events.record(pod, event);
    },
  };
}

function write(log: Logger, { namespace, name }: PodRef, { type, reason, message }: PodEvent): void {
  const fields = { pod: `${namespace}/${name}`, reason };
  if (type === "Normal") log.info(message, fields);
  else log.error(message, fields);
}
