import { areOverdue, isFetchable } from "../volume/credentials.ts";
import type { FetchableVolume } from "../volume/freshen.ts";
import type { KnownVolume } from "../volume/volumes.ts";

/** Which volumes a pass takes: those that kubelet handed over credentials for, lately enough. The others wait for kubelet. */
export function volumesToRefresh(known: readonly KnownVolume[], now: Date): readonly FetchableVolume[] {
  return known.filter(isFetchable).filter((volume) => !areOverdue(volume, now));
}

/**
 * When in each interval this node makes its pass: nodes spread, by their names. A hash (FNV-1a) spreads names that differ
 * in one digit as well as any.
 */
export function phaseOf(nodeName: string, intervalMs: number): number {
  let hash = 0x811c9dc5;
  for (const char of nodeName) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash % intervalMs;
}
