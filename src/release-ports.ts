/** The effects of those who work on the release as a whole. An aborted signal ends a call. */
import type { ObjectRef } from "./model.ts";
import type {
  ReleaseSummary,
  ReleaseDetail,
  ReleaseRequest,
  KubernetesObject,
  ObjectEvent,
  HeldObject,
} from "./release-model.ts";

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

/** Objects of any kind, one by one; what is given names the object, by apiVersion, kind, namespace and name. */
export interface Objects {
  read(object: KubernetesObject, signal: AbortSignal): Promise<KubernetesObject | undefined>;
  /** What would be stored if it were replaced, admission and defaults included; "immutable" where a field differs that nobody may change. */
  rehearse(object: KubernetesObject, signal: AbortSignal): Promise<KubernetesObject | "immutable">;
  /** Puts it in the place of the one of its resourceVersion. Throws Busy where that one was changed meanwhile. */
  replace(object: KubernetesObject, signal: AbortSignal): Promise<void>;
  /** Makes it, or gives the fields that it names these values; fields that it does not name stay. */
  apply(object: KubernetesObject, signal: AbortSignal): Promise<KubernetesObject>;
  /** Gives some fields values and leaves all others (JSON merge patch). Throws Busy where there is no such object. */
  merge(object: KubernetesObject, fields: object, signal: AbortSignal): Promise<void>;
  /** Only the one of its UID. Absent is success. */
  delete(object: KubernetesObject, signal: AbortSignal): Promise<void>;
}

/** Hears when something becomes of an object. */
export interface Watches {
  /** Hears whenever a watch begins, and then of each change and its deletion, until it is stopped. */
  follow(object: KubernetesObject, heard: () => void): { stop(): void };
}

/** Tells operators about an object in a namespace; never throws, never waits. */
export interface ObjectEvents {
  record(about: KubernetesObject, event: ObjectEvent): void;
}

/** Counts what the reconciler does; never throws, never waits. */
export interface ReconcileMetrics {
  restored(object: HeldObject & { readonly how: "created" | "changed" | "replaced" }): void;
  failed(object: HeldObject & { readonly error: unknown }): void;
  /** How many objects are held; none while it stands down. */
  holds(count: number): void;
}
