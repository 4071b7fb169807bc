import type { Fault } from "./fault.ts";

/** The faults of one part: decides which requests they strike. */
export interface FaultPlan {
  /** Comes after those that were added before: of several that strike, the first does. */
  add(fault: Fault): void;
  clear(): void;
  /** The fault that strikes a request which comes now. */
  next(method?: string): Fault | undefined;
}

/** Whether a fault strikes now, or never again. */
type Judge = (method: string) => "strikes" | "spares" | "over";

/** No faults yet. `now` is in milliseconds. */
export function createFaultPlan(now: () => number = () => performance.now()): FaultPlan {
  let planned: { readonly fault: Fault; readonly judge: Judge }[] = [];
  return {
    add: (fault) => void planned.push({ fault, judge: createJudge(fault, now) }),
    clear: () => {
      planned = [];
    },
    next(method = "GET") {
      for (const entry of [...planned]) {
        const verdict = entry.judge(method);
        if (verdict === "strikes") return entry.fault;
        if (verdict === "over") planned = planned.filter((other) => other !== entry);
      }
      return undefined;
    },
  };
}

function createJudge(
  { requests = Infinity, forMs = Infinity, abovePerSecond, method }: Fault,
  now: () => number,
): Judge {
  const end = now() + forMs;
  const admits = abovePerSecond === undefined ? () => false : createRateLimit(abovePerSecond, now);
  let left = requests;
  return (asked) => {
    if (left === 0 || now() >= end) return "over";
    if (method !== undefined && method !== asked) return "spares";
    if (admits()) return "spares";
    left -= 1;
    return "strikes";
  };
}

/** Admits so many in any second; those that it turns away do not count, as with Key Vault. */
function createRateLimit(perSecond: number, now: () => number): () => boolean {
  let admitted: number[] = [];
  return () => {
    const time = now();
    admitted = admitted.filter((earlier) => time - earlier < 1000);
    if (admitted.length >= perSecond) return false;
    admitted.push(time);
    return true;
  };
}
