import type { Priority } from "./turns.ts";

/** Requests to one vault at one time, all identities together. */
export const MOST_AT_ONCE = 20;
/** Of these, places that mounts leave to rotation. */
const KEPT_FOR_ROTATION = 2;

/** Open: 20 at once. Closed: none. Probing: one, whatever still runs from before. */
export type Gate = "open" | "closed" | "probing";

/** How many requests a vault may have now. */
export interface Capacity {
  allows(priority: Priority): boolean;
  /** One more runs, until the function that is returned is called. */
  begin(priority: Priority): () => void;
  /** Every closing begins an epoch: what left in an earlier one tells nothing about the vault now. */
  epoch(): number;
  set(gate: Gate): void;
}

export function createCapacity(): Capacity {
  const running: Record<Priority, number> = { mount: 0, rotation: 0 };
  let gate: Gate = "open";
  let epoch = 0;
  let ofThisEpoch = 0;
  return {
    allows: (priority) => {
      // The probe has a place even where all are held by requests from before.
      if (gate !== "open") return gate === "probing" && ofThisEpoch === 0;
      if (running.mount + running.rotation >= MOST_AT_ONCE) return false;
      return priority === "rotation" || running.mount < MOST_AT_ONCE - KEPT_FOR_ROTATION;
    },
    begin: (priority) => {
      const since = epoch;
      running[priority] += 1;
      ofThisEpoch += 1;
      return () => {
        running[priority] -= 1;
        if (since === epoch) ofThisEpoch -= 1;
      };
    },
    epoch: () => epoch,
    set: (next) => {
      if (next === "closed") [epoch, ofThisEpoch] = [epoch + 1, 0];
      gate = next;
    },
  };
}
