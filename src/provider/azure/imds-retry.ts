import type { NodeAnswer, NodeFault } from "./node-service.ts";
import { parseRetryAfter } from "./retry-after.ts";

const MOST_REPEATS = 5;
const FIRST_PAUSE_MS = 800;
/** The service is being updated, which takes up to 70 s: five pauses from here are longer, jitter included. */
const FIRST_PAUSE_OF_UPDATE_MS = 3_000;
const LONGEST_PAUSE_MS = 60_000;
/** All pauses together: kubelet waits for 2 min, and the user is to read what the service said. */
const LONGEST_PATIENCE_MS = 100_000;

/** An identity may be on its way to the node (404); the service may be updated (410), busy, or out of order. */
const passing: ReadonlySet<number> = new Set([404, 410, 429, 500, 502, 503, 504]);

/** Somebody who hangs or is not there: on a node outside Azure the user is to read that soon. */
const repeatsAfter: Readonly<Record<NodeFault["fault"], number>> = {
  late: 0,
  garbled: 0,
  unreachable: 1,
  broken: MOST_REPEATS,
};

type Outcome = NodeAnswer | NodeFault;

/** How the metadata service is waited for. */
export interface Patience {
  /** For a Retry-After that is a date, by a service that does not tell its time. */
  readonly clock: () => Date;
  /** From 0 to 1, for the jitter of a pause. */
  readonly random: () => number;
  readonly pause: (pauseMs: number) => Promise<unknown>;
}

/** Asks until the answer is one to stay; at the latest gives what came last. */
export async function askPatiently(ask: () => Promise<Outcome>, patience: Patience): Promise<Outcome> {
  let pausedMs = 0;
  for (let repeats = 0; ; repeats += 1) {
    const outcome = await ask();
    if (repeats >= repeatsOf(outcome)) return outcome;
    const pauseMs = pauseAfter(outcome, repeats, patience);
    pausedMs += pauseMs;
    if (pausedMs > LONGEST_PATIENCE_MS) return outcome;
    await patience.pause(pauseMs);
  }
}

function repeatsOf(outcome: Outcome): number {
  if ("fault" in outcome) return repeatsAfter[outcome.fault];
  return passing.has(outcome.status) ? MOST_REPEATS : 0;
}

/** Twice as long each time, shorter by up to a fifth at random; longer if the service asks for it. */
function pauseAfter(outcome: Outcome, repeats: number, { clock, random }: Patience): number {
  const isAnswer = "status" in outcome;
  const firstMs = isAnswer && outcome.status === 410 ? FIRST_PAUSE_OF_UPDATE_MS : FIRST_PAUSE_MS;
  const ownMs = firstMs * 2 ** repeats * (1 - random() / 5);
  const askedMs = isAnswer ? (parseRetryAfter(outcome, clock()) ?? 0) : 0;
  return Math.min(Math.max(ownMs, askedMs), LONGEST_PAUSE_MS);
}
