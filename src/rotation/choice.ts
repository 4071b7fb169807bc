import { fingerprintOf } from "../formats/fingerprint.ts";
import { areOverdue, isFetchable, type FetchableVolume } from "../volume/credentials.ts";
import type { KnownVolume } from "../volume/volumes.ts";

/** Which volumes a pass takes: those that kubelet handed over credentials for, lately enough. The others wait for kubelet. */
export function volumesToRefresh(known: readonly KnownVolume[], elapsedMs: number): readonly FetchableVolume[] {
  return known.filter(isFetchable).filter((volume) => !areOverdue(volume, elapsedMs));
}

/**
 * When in each period this node does something: nodes spread, by their names, and so do different tasks of one node. A
 * fingerprint spreads names that differ in one digit as well as any.
 */
export function phaseOf(task: string, nodeName: string, periodMs: number): number {
  return fingerprintOf(`${task} ${nodeName}`) % periodMs;
}
