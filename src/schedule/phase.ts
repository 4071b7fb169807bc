/** A timer may fire that much before its time; the run that it then begins is the one that was meant. */
const EARLY_MS = 50;

/**
 * How long from now until a time of day, in milliseconds, that leaves this remainder by the period: never at once, never
 * longer than a period and a moment, whatever happened to the clock.
 */
export function pauseUntilPhase(nowMs: number, periodMs: number, phaseMs: number): number {
  const from = nowMs + EARLY_MS;
  const wait = (phaseMs - from) % periodMs;
  return EARLY_MS + (wait <= 0 ? wait + periodMs : wait);
}
