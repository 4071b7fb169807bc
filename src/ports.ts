/**
 * Every effect of the program, on one page. Calls throw DriverError; an aborted signal ends them.
 */
import type {
  Content,
  ContentRequest,
  LivePodStatus,
  ObjectRef,
  Payload,
  PodStatus,
  SecretProviderClass,
} from "./model.ts";

export type Clock = () => Date;

/** Runs a task again and again; a run never overlaps the one before. The task's signal fires at stop. */
export interface Schedule {
  every(periodMs: number, task: (signal: AbortSignal) => Promise<void>): { stop(): Promise<void> };
}

/** What stands at a target: nothing, a plain directory, a mount, or a mount that cannot be read (a dead server behind it). */
export type TargetState = "absent" | "directory" | "mounted" | "broken";

/** Mounts of volumes. The state is always asked of the kernel, never remembered. */
export interface Mounter {
  look(target: string): Promise<TargetState>;
  /** Makes the directory if need be and mounts an empty tmpfs on it; after a failure nothing that it made is left. */
  mountTmpfs(target: string): Promise<void>;
  /** Unmounts whatever is mounted and removes the empty directory. Absent is success. */
  unmount(target: string): Promise<void>;
}

/** Content of volumes, in the layout of Kubernetes' atomic writer. */
export interface VolumeFiles {
  /** Whether somebody's complete write is there: ours, the established driver's, or plain files of a provider. */
  isPopulated(dir: string): Promise<boolean>;
  /** Replaces the whole content at once; equal content is left untouched. Files get the group. */
  write(dir: string, payload: Payload, group?: number): Promise<"unchanged" | "changed">;
  /** Removes everything below, never across a mount and never through a link. Absent is success. */
  clear(dir: string): Promise<void>;
}

/** A call of kubelet that is under way. */
export interface Call {
  /** Fires when the caller leaves. */
  readonly signal: AbortSignal;
  /** When the caller will leave, if it said so. */
  readonly deadline?: Date | undefined;
}

/** How old an answer may be, and how urgent it is. */
export interface Freshness {
  /** The request behind the answer left then, or later. */
  readonly notOlderThan: Date;
  readonly priority: "mount" | "rotation";
  /** When the caller stops waiting, if that is known: who cannot be served by then is told so at once. */
  readonly deadline?: Date | undefined;
}

export interface Provider {
  fetch(request: ContentRequest, freshness: Freshness, signal: AbortSignal): Promise<Content>;
}

export interface Providers {
  /** Throws ProviderNotFound for a name that nobody serves. */
  named(name: string): Provider;
}

export interface Classes {
  read(ref: ObjectRef, freshness: Freshness, signal: AbortSignal): Promise<SecretProviderClass>;
}

export interface PodStatuses {
  /** One request, by server-side apply. */
  apply(status: PodStatus, signal: AbortSignal): Promise<void>;
  read(ref: ObjectRef, signal: AbortSignal): Promise<LivePodStatus | undefined>;
}

/** A request to the Kubernetes API, as RBAC sees it. */
export interface KubernetesRequest {
  /** An apply that made its object is `create`, one that changed it `patch`. */
  readonly verb: "get" | "create" | "patch";
  readonly resource: string;
  /** HTTP status; 0 when there was no answer. */
  readonly code: number;
}

/** Counts for operators; never throws, never waits. Labels are bounded: no names of objects. */
export interface Metrics {
  kubernetesRequest(request: KubernetesRequest): void;
}
