/** The values that flow through the program. Parsed once at an edge; after that nobody touches a raw map. */

/** A namespaced Kubernetes object. */
export interface ObjectRef {
  readonly namespace: string;
  readonly name: string;
}

/** A pod as kubelet named it. The UID is what proves which pod of that name is meant. */
export interface PodRef extends ObjectRef {
  readonly uid: string;
}

/** One inline CSI volume of one pod. */
export interface Volume {
  readonly id: string;
  /** Absolute path of the directory that kubelet wants mounted: `<kubeletRoot>/pods/<uid>/volumes/kubernetes.io~csi/<name>/mount`. */
  readonly targetPath: string;
  readonly kubeletRoot: string;
  readonly pod: PodRef;
  /** Name of the SecretProviderClass, in the pod's namespace. */
  readonly className: string;
  /** The pod's fsGroup, by VOLUME_MOUNT_GROUP. */
  readonly group?: number;
}

/** String parameters under the names that users write: SecretProviderClass parameters, volumeAttributes, Secret data. */
export type Parameters = Readonly<Record<string, string>>;

/** What kubelet hands over with a publish so that the volume can be fetched in the pod's name. Never logged. */
export interface Credentials {
  /** Data of the pod's nodePublishSecretRef; undefined when the pod names none. */
  readonly secrets?: Parameters;
  /** Service account tokens as kubelet wrote them: JSON, audience → `{token, expirationTimestamp}`. */
  readonly serviceAccountTokens?: string;
  /** Whether kubelet handed the tokens over among the secrets, where some providers look for them. */
  readonly tokensInSecrets?: true;
}

/** NodePublishVolume, validated. */
export interface PublishRequest {
  readonly volume: Volume;
  /** The volume context: the pod's volumeAttributes and kubelet's own `csi.storage.k8s.io/*`, without tokens. */
  readonly attributes: Parameters;
  readonly credentials: Credentials;
}

export interface SecretProviderClass {
  readonly ref: ObjectRef;
  readonly provider: string;
  readonly parameters: Parameters;
  /** Kubernetes Secrets that mirror the volume's files. */
  readonly secretObjects: readonly SecretObject[];
}

/** One entry of spec.secretObjects as it was written, without white space around names; not yet judged. */
export interface SecretObject {
  readonly secretName: string;
  /** Empty means Opaque. */
  readonly type: string;
  readonly labels: Parameters;
  readonly annotations: Parameters;
  /** A file of the volume, by its path, and the key that it has in the Secret. */
  readonly data: readonly { readonly objectName: string; readonly key: string }[];
}

/** What a provider is asked for: the volume, its merged parameters, and the credentials to use. */
export interface ContentRequest {
  readonly volume: Pick<Volume, "targetPath" | "kubeletRoot" | "pod" | "className">;
  readonly parameters: Parameters;
  readonly credentials: Credentials;
  /** Permission bits of files for which the parameters say none; by default 0644. */
  readonly fileMode?: number;
}

/** A file as a provider names it; the path is relative to the volume and not yet trusted. */
export interface VolumeFile {
  readonly path: string;
  /** Permission bits, 0 to 0o777. */
  readonly mode: number;
  readonly contents: Uint8Array;
}

/** Which version of an object a volume holds, as reported in SecretProviderClassPodStatus. */
export interface ObjectVersion {
  readonly id: string;
  readonly version: string;
}

export interface Content {
  readonly files: readonly VolumeFile[];
  readonly versions: readonly ObjectVersion[];
}

declare const checked: unique symbol;

/** The whole content of a volume, held to the rules of volume/payload.ts; the only thing that is ever written. */
export type Payload = readonly VolumeFile[] & { readonly [checked]: true };

/** SecretProviderClassPodStatus: what one volume of one pod holds (group secrets-store.csi.x-k8s.io). */
export interface PodStatus {
  readonly ref: ObjectRef;
  readonly pod: PodRef;
  readonly nodeName: string;
  readonly className: string;
  readonly targetPath: string;
  /** Sorted by id. */
  readonly objects: readonly ObjectVersion[];
}

/** A pod status as the API server has it. */
export interface LivePodStatus {
  readonly uid: string;
  readonly ownerUids: readonly string[];
}

/** An entry of metadata.ownerReferences, other people's fields included. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** A pod as the API server has it. */
export interface LivePod {
  readonly uid: string;
  readonly owners: readonly OwnerReference[];
  /** Being deleted, or Succeeded or Failed: it needs nothing any more. */
  readonly ending: boolean;
}

/** A Kubernetes Secret as it is to be. */
export interface DesiredSecret {
  readonly ref: ObjectRef;
  readonly type: string;
  readonly labels: Parameters;
  readonly annotations: Parameters;
  readonly data: SecretData;
  readonly owners: readonly OwnerReference[];
}

/** A Kubernetes Secret as the API server has it. */
export interface LiveSecret extends DesiredSecret {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly immutable: boolean;
  /** Whether somebody else wrote a value since our own last write. */
  readonly altered: boolean;
}

/** Values by key. Never logged. */
export type SecretData = Readonly<Record<string, Uint8Array>>;

/** Changes to a Secret: what is named is set, null is taken away, owners are added; anything else stays. */
export interface SecretChanges {
  readonly labels: Readonly<Record<string, string | null>>;
  readonly annotations: Readonly<Record<string, string | null>>;
  readonly data: Readonly<Record<string, Uint8Array | null>>;
  readonly owners: readonly OwnerReference[];
}

/** Reasons of events, as the established driver has them: operators filter by them. */
export type EventReason =
  | "MountRotationComplete"
  | "MountRotationFailed"
  | "SecretRotationComplete"
  | "SecretRotationFailed"
  | "FailedToCreateSecret";

/** What an operator is told about a pod. Never a value of a secret; the same fact has the same message. */
export interface PodEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: EventReason;
  readonly message: string;
}

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
