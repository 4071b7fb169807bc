import type { Freshness } from "../../ports.ts";

export type Priority = Freshness["priority"];

/** A request that waits for a place. */
export interface Waiting {
  readonly identity: string;
  readonly start: () => void;
}

/**
 * Who goes next: mounts before rotation, and within each the identities take turns, so that one of them with hundreds of
 * objects does not keep the others waiting.
 */
export interface Turns {
  add(priority: Priority, waiting: Waiting): void;
  /** Takes it out; false when it did not wait any more. */
  remove(waiting: Waiting): boolean;
  /** The next one of those priorities that may start now. */
  next(mayStart: (priority: Priority) => boolean): Waiting | undefined;
}

type Lane = Map<string, Set<Waiting>>;

export function createTurns(): Turns {
  const lanes: Readonly<Record<Priority, Lane>> = { mount: new Map(), rotation: new Map() };
  const laneOf = new Map<Waiting, Lane>();

  function take(waiting: Waiting): boolean {
    const lane = laneOf.get(waiting);
    const own = lane?.get(waiting.identity);
    laneOf.delete(waiting);
    own?.delete(waiting);
    if (own?.size === 0) lane?.delete(waiting.identity);
    return own !== undefined;
  }

  return {
    add: (priority, waiting) => {
      const lane = lanes[priority];
      const own = lane.get(waiting.identity) ?? new Set();
      lane.set(waiting.identity, own.add(waiting));
      laneOf.set(waiting, lane);
    },
    remove: take,
    next: (mayStart) => {
      const priority = (["mount", "rotation"] as const).find((one) => lanes[one].size > 0 && mayStart(one));
      const [turn] = priority === undefined ? [] : lanes[priority];
      const [first] = turn?.[1] ?? [];
      if (priority === undefined || turn === undefined || first === undefined) return undefined;
      const [identity, own] = turn;
      take(first);
      // Its next one waits behind everybody else's.
      if (lanes[priority].delete(identity)) lanes[priority].set(identity, own);
      return first;
    },
  };
}
