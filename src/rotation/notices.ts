import { fingerprintOf } from "../formats/fingerprint.ts";
import type { Logger } from "../log.ts";
import type { EventReason, PodEvent, PodRef } from "../model.ts";
import type { Elapsed, Events } from "../ports.ts";

/** The same words about the same pod are said again after so long: an event must not expire while its fault lasts (1 h). */
const AGAIN_MS = 30 * 60_000;
/** Words of trouble about one pod, of one reason, within an hour: a fault whose words change each time is bounded, too. */
const MOST_AN_HOUR = 10;
const HOUR_MS = 60 * 60_000;
/** Pods of a node, twice over, with a few reasons each. */
const MOST_REMEMBERED = 2_000;

/** What is overcome where this is told: the same trouble is news when it comes back. */
const overcome: Readonly<Partial<Record<EventReason, readonly EventReason[]>>> = {
  MountRotationComplete: ["MountRotationFailed"],
  SecretRotationComplete: ["SecretRotationFailed", "FailedToCreateSecret"],
};

/**
 * Something that was said: the fingerprint of its words, since the words of pods that are gone are not worth their memory.
 * That a new message is taken for one of these ten happens once in 400 million.
 */
export interface Said {
  /** Undefined once it was overcome: it still counts. */
  readonly words: number | undefined;
  /** By `elapsed`. */
  readonly atMs: number;
}

/** Whether words are worth saying after these. */
export function isWorthSaying(said: readonly Said[], words: number, elapsedMs: number): boolean {
  const ageOf = ({ atMs }: Said): number => elapsedMs - atMs;
  if (said.some((one) => one.words === words && ageOf(one) < AGAIN_MS)) return false;
  return said.filter((one) => ageOf(one) < HOUR_MS).length < MOST_AN_HOUR;
}

/** Events that are worth saying. */
export interface Notices extends Events {
  /** How much of what was said is remembered. */
  remembered(): number;
}

/**
 * Events, and a log line for each, as far as they are worth saying: a vault that is down for an hour makes a handful for each
 * pod, not one at each pass. What went well is always said, as often as passes and repairs do something: the last event of a
 * pod names the version that it has.
 */
export function createNotices(events: Events, elapsed: Elapsed, log: Logger): Notices {
  const remembered = new Map<string, readonly Said[]>();

  function isRecent({ atMs }: Said): boolean {
    return elapsed() - atMs < HOUR_MS;
  }

  function remember(key: string, said: readonly Said[]): void {
    // The order of a Map is that of insertion: the first is who was spoken of longest ago.
    remembered.delete(key);
    remembered.set(key, said);
    for (const [oldest, saidThen] of remembered) {
      if (remembered.size <= MOST_REMEMBERED && saidThen.some(isRecent)) break;
      remembered.delete(oldest);
    }
  }

  /** Whether trouble is worth saying; if so, it is remembered. */
  function isNews(pod: PodRef, { reason, message }: PodEvent): boolean {
    const key = keyOf(pod, reason);
    const words = fingerprintOf(message);
    const atMs = elapsed();
    const said = (remembered.get(key) ?? []).filter(isRecent);
    if (!isWorthSaying(said, words, atMs)) return false;
    remember(key, [...said, { words, atMs }]);
    return true;
  }

  function forgetWords(key: string): void {
    const said = remembered.get(key);
    if (said !== undefined)
      remembered.set(
        key,
        said.map(({ atMs }) => ({ words: undefined, atMs })),
      );
  }

  return {
    remembered: () => [...remembered.values()].reduce((sum, said) => sum + said.length, 0),
    record: (pod, event) => {
      if (event.type === "Warning" && !isNews(pod, event)) return;
      for (const reason of overcome[event.reason] ?? []) forgetWords(keyOf(pod, reason));
      write(log, pod, event);
      events.record(pod, event);
    },
  };
}

function keyOf({ uid }: PodRef, reason: EventReason): string {
  return `${uid} ${reason}`;
}

function write(log: Logger, { namespace, name }: PodRef, { type, reason, message }: PodEvent): void {
  const fields = { pod: `${namespace}/${name}`, reason };
  if (type === "Normal") log.info(message, fields);
  else log.error(message, fields);
}
