import type { Logger } from "../log.ts";
import type { Classes, Clock, Mounter, PodStatuses, Providers, VolumeFiles } from "../ports.ts";
import type { KeyedLock } from "./keyed-lock.ts";
import type { Volumes } from "./volumes.ts";

/** What the operations on volumes work with. */
export interface VolumePorts {
  readonly classes: Classes;
  readonly providers: Providers;
  readonly statuses: PodStatuses;
  readonly mounter: Mounter;
  readonly files: VolumeFiles;
  readonly volumes: Volumes;
  readonly locks: KeyedLock;
  readonly clock: Clock;
  readonly log: Logger;
  readonly nodeName: string;
}
