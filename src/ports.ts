/**
 * Every effect of the program, on one page. Calls throw DriverError; an aborted signal ends them.
 */
import type {
  Content,
  ContentRequest,
  DesiredSecret,
  LivePod,
  LivePodStatus,
  LiveSecret,
  ObjectRef,
  Payload,
  PodEvent,
  PodRef,
  PodStatus,
  ReleaseDetail,
  ReleaseRequest,
  ReleaseSummary,
  SecretChanges,
  SecretProviderClass,
  VolumeFile,
} from "./model.ts";

export type Clock = () => Date;

/** Milliseconds since some moment. It never jumps, as the time of day may: what is a duration is counted by it. */
export type Elapsed = () => number;

/** Runs a task again and again; a run never overlaps the one before. The task's signal fires at stop. */
export interface Schedule {
  /** With a phase it runs whenever the time of day, in milliseconds, leaves that remainder by the period. */
  every(periodMs: number, task: (signal: AbortSignal) => Promise<void>, phaseMs?: number): { stop(): Promise<void> };
}

/** Waits before the next try, longer and longer, and at random so that those who met do not meet again; an aborted signal ends it. */
export type Backoff = (tries: number, signal: AbortSignal) => Promise<void>;

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
  /** When the content became what it is, to the second; long ago where nobody knows. */
  writtenAt(dir: string): Promise<Date>;
  /** The files that pods see, sorted by path, no link of strangers followed. Throws FileWriteError. */
  read(dir: string): Promise<readonly VolumeFile[]>;
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
  /** Whether the provider may write files by itself: the target is mounted before it is asked. */
  writesIntoTarget(name: string): boolean;
}

export interface Classes {
  read(ref: ObjectRef, freshness: Freshness, signal: AbortSignal): Promise<SecretProviderClass>;
}

export interface PodStatuses {
  /** One request, by server-side apply. */
  apply(status: PodStatus, signal: AbortSignal): Promise<void>;
  read(ref: ObjectRef, signal: AbortSignal): Promise<LivePodStatus | undefined>;
}

export interface Pods {
  /** By name: the UID says whether it is the pod that was meant. */
  read(ref: ObjectRef, signal: AbortSignal): Promise<LivePod | undefined>;
}

export interface Nodes {
  /** Takes all taints of that key away; others stay. Throws InvalidRequest where there is no such node, Busy where somebody changed it meanwhile. */
  removeTaint(name: string, key: string, signal: AbortSignal): Promise<"removed" | "absent">;
}

export interface Secrets {
  read(ref: ObjectRef, signal: AbortSignal): Promise<LiveSecret | undefined>;
  /** Owners are in it from the start. */
  create(secret: DesiredSecret, signal: AbortSignal): Promise<"created" | "exists">;
  /** Changes what was seen, or nothing: a Secret that is gone or was changed meanwhile is a conflict. */
  patch(seen: LiveSecret, changes: SecretChanges, signal: AbortSignal): Promise<"patched" | "conflict">;
}

export interface PfxReader {
  /** The keys, then the certificates of a PFX with the empty password, as PEM; ordered from the leaf to the root, unless the node is told not to. */
  toPem(pfx: Uint8Array, signal: AbortSignal): Promise<string>;
}

/** Helm's releases of a cluster. Calls throw CommandError. */
export interface Releases {
  /** Of all namespaces, in whatever state, each by its last revision. */
  list(signal: AbortSignal): Promise<readonly ReleaseSummary[]>;
  read(ref: ObjectRef, signal: AbortSignal): Promise<ReleaseDetail | undefined>;
  /** Installs the chart that this program carries, or brings the release to it. Throws where another operation on it is under way. */
  apply(request: ReleaseRequest, signal: AbortSignal): Promise<void>;
  /** With `wait` until all of it is gone, pods included. */
  remove(ref: ObjectRef, wait: boolean, signal: AbortSignal): Promise<void>;
}

/** The pods of a cluster that have volumes of this driver. Throws CommandError. */
export interface DriverPods {
  /** Those that have not ended, in all namespaces. */
  list(signal: AbortSignal): Promise<readonly ObjectRef[]>;
}

/** DaemonSets that become ready. Throws CommandError. */
export interface Rollouts {
  /** Waits until each of its nodes has the pod of its last version, ready; a DaemonSet that is not there is waited for. */
  ready(daemonSet: ObjectRef, signal: AbortSignal): Promise<void>;
}

/** A request to the Kubernetes API, as RBAC sees it. */
export interface KubernetesRequest {
  /** An apply that made its object is `create`, one that changed it `patch`. */
  readonly verb: "get" | "create" | "patch";
  readonly resource: string;
  /** HTTP status; 0 when there was no answer. */
  readonly code: number;
}

/** Tells operators about a pod; never throws, never waits. */
export interface Events {
  record(pod: PodRef, event: PodEvent): void;
}

/** How an operation of one provider ended. */
export interface Outcome {
  /** Empty where it is not known. */
  readonly provider: string;
  /** What it threw; undefined after success. */
  readonly error?: unknown;
}

/** How up to date the volumes of this node are. */
export interface Ages {
  /** When the content of the volume that waits longest was last known to be the vault's; undefined without volumes. */
  readonly oldest: Date | undefined;
  /** When all volumes of the class were last known to be up to date, or are known at all; after the first success. */
  readonly classes: readonly { readonly ref: ObjectRef; readonly freshAt: Date }[];
  /** How many volumes owe a pod status or a Secret. */
  readonly owing: number;
  /** How many volumes rotation could not bring up to date when it last tried. */
  readonly failing: number;
}

/** A question to a vault that was answered, or was not. */
export interface VaultRequest {
  readonly objectType: "secret" | "key" | "cert";
  readonly objectName: string;
  /** From when somebody asked: waiting for a token and for a place counts. */
  readonly durationMs: number;
  readonly error?: unknown;
}

/** How a vault keeps up with this node. */
export interface VaultLoad {
  /** The same object for as long as it is the same vault: two clouds may have vaults of one name. */
  readonly source: object;
  readonly vault: string;
  /** Requests that wait for a place, or for the end of a pause. */
  readonly waiting: number;
  /** How long this node has sent nothing in all until now, since the vault limits requests. */
  readonly pausedMs: number;
}

/** A gRPC call that was served, well or not. */
export interface ServedCall {
  /** As on the wire: `/package.Service/Method`. */
  readonly method: string;
  /** gRPC status code; 0 is OK. */
  readonly code: number;
  readonly durationMs: number;
  /** What its handler threw. */
  readonly error?: unknown;
}

/** Who hears of served calls; never throws, never waits. */
export interface CallMetrics {
  served(call: ServedCall): void;
}

/** Counts for operators; never throws, never waits. Labels are bounded. */
export interface Metrics {
  kubernetesRequest(request: KubernetesRequest): void;
  published(outcome: Outcome): void;
  unpublished(outcome: Pick<Outcome, "error">): void;
  /** One volume of a rotation pass; `rotated` where its content changed. */
  rotated(outcome: Outcome & { readonly rotated: boolean; readonly durationMs: number }): void;
  /** One Secret that was written, or could not be. */
  secretSynced(outcome: Outcome & { readonly durationMs: number }): void;
  /** One question to a vault, shared by whoever asked for the same. */
  vaultRequest(request: VaultRequest): void;
  /** Asked at each scrape, of the vaults that are in use. */
  watchVaults(loads: () => readonly VaultLoad[]): void;
  /** Said once, where there is rotation. */
  rotatesEvery(intervalMs: number): void;
  /** Asked at each scrape. */
  watchAges(ages: () => Ages): void;
}
