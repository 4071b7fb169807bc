/** An API server that has just started refuses everybody, until it knows who may what. Only what lasts longer is a refusal. */
const COUNTS_AFTER_MS = 60_000;

/** Whether a refusal that began then may pass by itself; both by `elapsed`. */
export function mayPass(sinceMs: number, nowMs: number): boolean {
  return nowMs - sinceMs < COUNTS_AFTER_MS;
}
