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
}

/** What a provider is asked for: the volume, its merged parameters, and the credentials to use. */
export interface ContentRequest {
  readonly volume: Volume;
  readonly parameters: Parameters;
  readonly credentials: Credentials;
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
  readonly ownerUids: readonly string[];
}
