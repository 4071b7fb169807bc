import { manifestsHash } from "../formats/manifest.ts";
import type { Parameters } from "../model.ts";
import type { KubernetesObject } from "../release-model.ts";
import type { Objects } from "../release-ports.ts";
import { DESIRED_SECRET } from "./desired.ts";

/** The reconciler's own Deployment. */
const DEPLOYMENT = "azure-keyvault-csi-reconciler";

/** The annotation of the Secret and of the Deployment that says which manifests they were rendered with: their SHA-256. */
const STAMP = "checksum/desired";

/** The release, as far as the reconciler sees it. */
export interface Release {
  readonly secret: KubernetesObject;
  readonly deployment: KubernetesObject;
  /** Another one after each write to the Secret. */
  readonly version: string;
}

/** Why nothing may be written now. */
export interface Down {
  readonly down: string;
  /** The Deployment, where there is one to tell it at. */
  readonly deployment?: KubernetesObject;
}

/**
 * Whether the release is whole. Helm writes the Secret before what it is about, and the Deployment after all that it may
 * have to create in between; it deletes the Deployment before anything that is held. So where one is missing, is going or
 * was rendered with other manifests than the other, Helm is at work, or was ended at work. A Secret that somebody else wrote
 * says nothing of the release.
 */
export async function readRelease(objects: Objects, namespace: string, signal: AbortSignal): Promise<Release | Down> {
  const deployment = await objects.read(identity("apps/v1", "Deployment", namespace, DEPLOYMENT), signal);
  const why = absence("Deployment", DEPLOYMENT, deployment);
  if (deployment === undefined || why !== undefined) return { down: why ?? "" };
  const secret = await objects.read(desiredSecret(namespace), signal);
  const whyNot = absence("Secret", DESIRED_SECRET, secret);
  if (secret === undefined || whyNot !== undefined) return { down: whyNot ?? "", deployment };
  const doubt = doubtOf(secret, deployment);
  if (doubt !== undefined) return { down: doubt, deployment };
  return { secret, deployment, version: `${secret.metadata.uid ?? ""} ${secret.metadata.resourceVersion ?? ""}` };
}

export function desiredSecret(namespace: string): KubernetesObject {
  return identity("v1", "Secret", namespace, DESIRED_SECRET);
}

function absence(kind: string, name: string, found: KubernetesObject | undefined): string | undefined {
  if (found === undefined) return `${kind} ${name} is not there`;
  return found.metadata.deletionTimestamp === undefined ? undefined : `${kind} ${name} is being deleted`;
}

function stampOf({ metadata: { annotations = {} } }: KubernetesObject): string {
  return annotations[STAMP] ?? "";
}

/** Why what the Secret says may not be what the release is. */
function doubtOf(secret: KubernetesObject, deployment: KubernetesObject): string | undefined {
  if (stampOf(secret) !== stampOf(deployment))
    return `Helm has written only one of Secret ${DESIRED_SECRET} and Deployment ${DEPLOYMENT}: it is at work, or its last upgrade failed`;
  if (hashOf(secret) !== stampOf(secret))
    return `Secret ${DESIRED_SECRET} is not as Helm wrote it: upgrade the release, or roll it back`;
  return undefined;
}

function hashOf({ data = {} }: KubernetesObject): string {
  const { "manifests.yaml": manifests = "" } = data as Parameters;
  return manifestsHash(Buffer.from(manifests, "base64"));
}

function identity(apiVersion: string, kind: string, namespace: string, name: string): KubernetesObject {
  return { apiVersion, kind, metadata: { namespace, name } };
}
