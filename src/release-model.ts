/** The values of those who work on the release as a whole: the extension's commands and the reconciler. */
import type { ObjectRef, Parameters } from "./model.ts";

/** Values of a chart, as Helm keeps them: a tree of maps, lists and scalars. */
export type ChartValues = Readonly<Record<string, unknown>>;

/** Helm's word for the state of a release's last revision. */
export type ReleaseStatus =
  "deployed" | "failed" | "pending-install" | "pending-upgrade" | "pending-rollback" | "uninstalling" | "unknown";

/** A Helm release as a list has it. */
export interface ReleaseSummary {
  readonly ref: ObjectRef;
  /** Name of the chart. */
  readonly chart: string;
  readonly version: string;
  readonly status: ReleaseStatus;
}

/** What is told of one release. */
export interface ReleaseDetail {
  readonly status: ReleaseStatus;
  /** RFC 3339, as Helm writes them: with nanoseconds and any offset. */
  readonly firstDeployed: string;
  readonly lastDeployed: string;
  /** What was set, the chart's defaults left out. Some of it may be secret. */
  readonly values: ChartValues;
}

/** What a release shall be. */
export interface ReleaseRequest {
  readonly ref: ObjectRef;
  /** All that is set: nothing is kept of what was set before. */
  readonly values: ChartValues;
  /** Texts in them that no message may have. */
  readonly secrets: readonly string[];
  /** Whether to wait until what was made is ready. */
  readonly wait: boolean;
  /** Asks Helm and the cluster whether they would take it, and changes nothing. */
  readonly dryRun: boolean;
}

/** Any object of Kubernetes' API, as it is told and taken: what every one has, and whatever else. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: KubernetesMetadata;
  readonly [field: string]: unknown;
}

export interface KubernetesMetadata {
  readonly name: string;
  /** Absent where the kind is in no namespace. */
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly labels?: Parameters;
  readonly annotations?: Parameters;
  /** Deleted already, and kept for somebody's finalizer. */
  readonly deletionTimestamp?: string;
  readonly [field: string]: unknown;
}

/** What operators are told of an object in a namespace. */
export interface ObjectEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: "Restored" | "RestoreFailed" | "StandsDown";
  readonly message: string;
}

/** One object that is held, as the chart named it. */
export interface HeldObject {
  readonly kind: string;
  readonly name: string;
}
