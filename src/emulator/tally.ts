import { outcomeOf } from "./connection.ts";

/** What a part was asked since the last reset. */
export interface Counters {
  /** Requests that have ended, challenges not among them. */
  readonly requests: number;
  /** Requests that came without a token and were told where to get one. */
  readonly challenges: number;
  /** The most requests that were in flight at one time. */
  readonly peakInFlight: number;
  /** How often each "GET /secrets/DemoSecret/ 200" was answered; faults count as "… dropped", "… 200 cut off", "… unanswered". */
  readonly answers: Readonly<Record<string, number>>;
}

/** Counts what one part is asked. */
export interface Tally {
  /** Runs a request and counts its answer. */
  count(request: Request, answer: () => Promise<Response>): Promise<Response>;
  counters(): Counters;
  reset(): void;
}

/** A tally of zero. `isChallenge` tells the answers that are counted apart. */
export function createTally(isChallenge: (request: Request, response: Response) => boolean = () => false): Tally {
  let answers = new Map<string, number>();
  let challenges = 0;
  let inFlight = 0;
  let peakInFlight = 0;

  function note(request: Request, response: Response): void {
    if (isChallenge(request, response)) {
      challenges += 1;
      return;
    }
    const answer = `${request.method} ${new URL(request.url).pathname} ${outcomeOf(response)}`;
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
  }

  return {
    async count(request, answer) {
      inFlight += 1;
      peakInFlight = Math.max(peakInFlight, inFlight);
      try {
        const response = await answer();
        note(request, response);
        return response;
      } finally {
        inFlight -= 1;
      }
    },
    counters: () => ({
      requests: [...answers.values()].reduce((sum, n) => sum + n, 0),
      challenges,
      peakInFlight,
      answers: Object.fromEntries(answers),
    }),
    reset() {
      answers = new Map();
      challenges = 0;
      peakInFlight = inFlight;
    },
  };
}
