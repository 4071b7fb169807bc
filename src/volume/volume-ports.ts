import type { Logger } from "../log.ts";
import type {
  Classes,
  Clock,
  Elapsed,
  Events,
  Freshness,
  Metrics,
  Mounter,
  PodStatuses,
  Providers,
  VolumeFiles,
} from "../ports.ts";
import type { SyncPorts } from "../sync/sync.ts";
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
  readonly preparations: Preparations;
  /** The most that one volume may hold. */
  readonly maxContentBytes: number;
  readonly clock: Clock;
  readonly elapsed: Elapsed;
  readonly log: Logger;
  readonly nodeName: string;
}

/** How fresh an answer must be, and until when it is waited for. */
export interface Asking {
  readonly freshness: Freshness;
  readonly signal: AbortSignal;
  /** How long the class may take, where that is less than the Kubernetes API has for one request. */
  readonly classWithinMs?: number;
}
