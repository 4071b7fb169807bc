import type { Flight } from "../../sharing/shared.ts";
import { createCapacity, type Gate } from "./capacity.ts";
import { createTurns, type Waiting } from "./turns.ts";

/** The places for requests to one vault, and who waits for one. */
export interface Places {
  /**
   * Waits for a place and runs, told the epoch in which it starts; a flight that ends while it waits leaves with its signal's
   * reason.
   */
  take<T>(flight: Flight, identity: string, run: (epoch: number) => Promise<T>): Promise<T>;
  epoch(): number;
  set(gate: Gate): void;
}

export function createPlaces(): Places {
  const turns = createTurns();
  const capacity = createCapacity();

  function startWaiting(): void {
    for (let next = turns.next(capacity.allows); next; next = turns.next(capacity.allows)) next.start();
  }

  async function occupy<T>(flight: Flight, run: (epoch: number) => Promise<T>): Promise<T> {
    const leave = capacity.begin(flight.priority());
    try {
      return await run(capacity.epoch());
    } finally {
      leave();
      startWaiting();
    }
  }

  return {
    take: <T>(flight: Flight, identity: string, run: (epoch: number) => Promise<T>) => {
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      const leave = (): void => {
        if (turns.remove(waiting)) reject(flight.signal.reason);
      };
      const start = (): void => {
        flight.signal.removeEventListener("abort", leave);
        resolve(occupy(flight, run));
      };
      const waiting: Waiting = { identity, start };
      flight.signal.addEventListener("abort", leave, { once: true });
      flight.onRaised(() => {
        if (turns.remove(waiting)) turns.add("mount", waiting);
        startWaiting();
      });
      turns.add(flight.priority(), waiting);
      if (flight.signal.aborted) leave();
      startWaiting();
      return promise;
    },
    epoch: capacity.epoch,
    set: (gate) => {
      capacity.set(gate);
      startWaiting();
    },
  };
}
