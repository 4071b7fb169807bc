import type { Credentials } from "../model.ts";
import type { KnownVolume } from "./volumes.ts";

/** A volume that is known with credentials, so that it can be fetched. */
export type FetchableVolume = KnownVolume & { readonly credentials: Credentials };

/** Kubelet publishes each volume anew every minute or two. Who missed that for so long lost the Secret, or the pod is gone. */
const KEPT_MS = 15 * 60_000;

/** Whether kubelet did not hand over the credentials again in time, by `elapsed`. An identity that needs none never gets old. */
export function areOverdue({ credentials, handedOverAt }: KnownVolume, elapsedMs: number): boolean {
  if (credentials === undefined || Object.keys(credentials).length === 0) return false;
  return elapsedMs - handedOverAt >= KEPT_MS;
}

/** Whether there is something to fetch with. */
export function isFetchable(known: KnownVolume): known is FetchableVolume {
  return known.credentials !== undefined;
}
