import type { Elapsed } from "../ports.ts";

/** Each object is looked at so often, heard of or not. */
export const PERIOD_MS = 60_000;
/** Helm writes a service account a moment before the Secret that says so. */
export const DEBOUNCE_MS = 2_000;
const RETRY_MS = 5_000;

/** Whoever fights the reconciler over an object meets it less and less often: pods are not restarted without end. */
const REMEMBERED_MS = 300_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/** When which object is looked at. */
export interface Agenda {
  /** These are held from now on; new ones are due. */
  hold(keys: readonly string[]): void;
  heard(key: string): void;
  due(): readonly string[];
  /** It is looked at now: what is heard of it from here on is another look's. */
  begin(key: string): void;
  restored(key: string): void;
  failed(key: string): void;
}

interface Entry {
  dueAt: number;
  restoredAt: readonly number[];
}

export function createAgenda(elapsed: Elapsed): Agenda {
  let entries = new Map<string, Entry>();
  const sooner = (key: string, at: number): void => {
    const entry = entries.get(key);
    if (entry !== undefined) entry.dueAt = Math.min(entry.dueAt, at);
  };
  return {
    hold: (keys) => {
      const fresh = (): Entry => ({ dueAt: elapsed(), restoredAt: [] });
      entries = new Map(keys.map((key) => [key, entries.get(key) ?? fresh()]));
      for (const key of keys) sooner(key, elapsed());
    },
    heard: (key) => {
      const now = elapsed();
      sooner(key, Math.max(now + DEBOUNCE_MS, endOfPause(entries.get(key)?.restoredAt ?? [], now)));
    },
    due: () => [...entries].filter(([, { dueAt }]) => dueAt <= elapsed()).map(([key]) => key),
    begin: (key) => {
      const entry = entries.get(key);
      if (entry !== undefined) entry.dueAt = elapsed() + PERIOD_MS;
    },
    restored: (key) => {
      const entry = entries.get(key);
      if (entry === undefined) return;
      const now = elapsed();
      entry.restoredAt = [...recent(entry.restoredAt, now), now];
      // The write itself was heard of before it is known here.
      entry.dueAt = Math.max(entry.dueAt, endOfPause(entry.restoredAt, now));
    },
    failed: (key) => {
      sooner(key, elapsed() + RETRY_MS);
    },
  };
}

function endOfPause(restoredAt: readonly number[], now: number): number {
  const times = recent(restoredAt, now);
  const last = times.at(-1);
  return last === undefined ? now : last + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (times.length - 1));
}

function recent(times: readonly number[], now: number): readonly number[] {
  return times.filter((time) => now - time < REMEMBERED_MS);
}
