import { setTimeout as delay } from "node:timers/promises";
import type { Connection } from "./connection.ts";
import { createFaultPlan } from "./fault-plan.ts";
import type { Fault } from "./fault.ts";
import { roundTrip, type Network } from "./network.ts";
import { createTally, type Tally } from "./tally.ts";

/** How a part is watched, and made to behave as badly as a real one at times does. */
export interface Steering {
  readonly tally: Tally;
  /** Every answer comes so much later. */
  setLatency(milliseconds: number): void;
  /** Adds a fault: of several that strike a request, the first does. */
  misbehave(fault: Fault): void;
  /** Ends all faults. */
  behave(): void;
}

/** What a request meets before the part itself does. */
export interface Front {
  readonly steering: Steering;
  /** Counts the request, and either lets it be answered or does to it what a fault demands. */
  receive(request: Request, connection: Connection, answer: () => Response | Promise<Response>): Promise<Response>;
}

export interface FrontOptions {
  readonly network: Network;
  /** An error status, in the words of the part. */
  readonly refuse: (status: number) => Response;
  /** Answers that are counted apart. */
  readonly isChallenge?: (request: Request, response: Response) => boolean;
}

/** A part that is near, fast and without faults. */
export function createFront({ network, refuse, isChallenge }: FrontOptions): Front {
  const tally = createTally(isChallenge);
  const faults = createFaultPlan();
  let latencyMs = 0;

  const receive: Front["receive"] = (request, connection, answer) => {
    const fault = faults.next(request.method);
    return tally.count(request, async () => {
      await roundTrip(network);
      if (latencyMs > 0) await delay(latencyMs, undefined, { ref: false });
      return fault ? commit(fault, connection, { refuse, answer }) : answer();
    });
  };

  return {
    steering: {
      tally,
      setLatency: (milliseconds) => {
        latencyMs = milliseconds;
      },
      misbehave: faults.add,
      behave: faults.clear,
    },
    receive,
  };
}

interface Answers {
  readonly refuse: (status: number) => Response;
  readonly answer: () => Response | Promise<Response>;
}

async function commit(fault: Fault, connection: Connection, { refuse, answer }: Answers): Promise<Response> {
  switch (fault.kind) {
    case "refuse": {
      const refusal = refuse(fault.status);
      if (fault.retryAfterS !== undefined)
        refusal.headers.set("retry-after", retryAfter(fault.retryAfterS, fault.retryAfterAs));
      return refusal;
    }
    case "drop":
      return connection.reset();
    case "half":
      return connection.sendHalf(await answer());
    case "hang":
      return connection.ignore();
  }
}

function retryAfter(seconds: number, as: "seconds" | "date" = "seconds"): string {
  return as === "seconds" ? String(seconds) : new Date(Date.now() + seconds * 1000).toUTCString();
}
