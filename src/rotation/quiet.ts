import type { Events } from "../ports.ts";

/** Events until the signal fires: work that a stop of the program ends has not failed, and the next start does it again. */
export function quietAfter(signal: AbortSignal, events: Events): Events {
  return {
    record: (pod, event) => {
      if (!signal.aborted) events.record(pod, event);
    },
  };
}
