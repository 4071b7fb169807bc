import type { Logger } from "../log.ts";
import type {
  Classes,
  Clock,
  Events,
  Freshness,
  Metrics,
  Mounter,
  PodStatuses,
  Providers,
  VolumeFiles,
} from "../ports.ts";
import type { SyncPorts } from "../sync/sync.ts";
import type { KeyedLock } from "./keyed-lock.ts";
import type { Preparations } from "./preparations.ts";
import type { Volumes } from "./volumes.ts";

/** What the operations on volumes work with. */
export interface VolumePorts extends SyncPorts {
  readonly classes: Classes;
  readonly providers: Providers;
  readonly statuses: PodStatuses;
  readonly mounter: Mounter;
  readonly files: VolumeFiles;
  readonly events: Events;
  readonly metrics: Metrics;
  readonly volumes: Volumes;
  readonly locks: KeyedLock;
  readonly preparations: Preparations;
  /** The most that one volume may hold. */
  readonly maxContentBytes: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly nodeName: string;
}

/** How fresh an answer must be, and until when it is waited for. */
export interface Asking {
  readonly freshness: Freshness;
  readonly signal: AbortSignal;
}
