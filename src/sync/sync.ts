import { DriverError, inContext, type Reason } from "../errors.ts";
import type { DesiredSecret, OwnerReference, SecretObject, SecretProviderClass, Volume, VolumeFile } from "../model.ts";
import type { PfxReader } from "../ports.ts";
import { bringAbout, type Result, type SecretPorts } from "./bring-about.ts";
import type { Wish } from "./changes.ts";
import { marksOf } from "./marks.ts";
import { ownersOf, type OwnerPorts } from "./owners.ts";
import { checkSecretObject, secretDataOf } from "./secret-data.ts";

export interface SyncPorts extends OwnerPorts, SecretPorts {
  readonly pfx: PfxReader;
  /** Whether Secrets may be tokens that give rights in the cluster. */
  readonly tokenTypesAllowed: boolean;
}

export interface SyncRequest {
  readonly volume: Volume;
  readonly secretProviderClass: SecretProviderClass;
  /** What the volume holds, and since when. */
  readonly files: readonly VolumeFile[];
  readonly writtenAt: Date;
  /** Whether that is what the vault holds now. If not, a Secret that was made of later files keeps its values. */
  readonly fresh: boolean;
}

/** What became of one entry of spec.secretObjects. */
export interface SecretOutcome {
  readonly secretName: string;
  /** `patched`: its values; `marked`: only labels, annotations or owners; `refused`: it will not go until somebody changes class, files, Secret or rights; `failed`: to be tried again. */
  readonly outcome: "created" | "patched" | "marked" | "unchanged" | "refused" | "failed";
  /** Other values stay, since by the time of day they are made of later files; somebody may have set the clock. */
  readonly keepsLater?: true;
  /** Why; with `refused` and `failed`. */
  readonly error?: DriverError;
}

/**
 * Brings the Secrets of a class in line with a volume's files (csi-driver 5). One that fails stops no other; none is written
 * when nothing changed. Never throws a DriverError; no outcome at all where the class asks for none or the pod is ending.
 */
export async function syncSecrets(
  request: SyncRequest,
  ports: SyncPorts,
  signal: AbortSignal,
): Promise<readonly SecretOutcome[]> {
  const { secretObjects } = request.secretProviderClass;
  if (secretObjects.length === 0) return [];
  try {
    const owners = await ownersOf(request.volume, ports, signal);
    return owners === undefined ? [] : await syncEach({ ...request, owners }, ports, signal);
  } catch (error) {
    return secretObjects.map(({ secretName }) => failed(secretName, error));
  }
}

interface OwnedRequest extends SyncRequest {
  readonly owners: readonly OwnerReference[];
}

/** One after another: what hinders one is likely to hinder all. */
async function syncEach(request: OwnedRequest, ports: SyncPorts, signal: AbortSignal): Promise<SecretOutcome[]> {
  const outcomes: SecretOutcome[] = [];
  for (const object of request.secretProviderClass.secretObjects) {
    const again = object.secretName !== "" && outcomes.some(({ secretName }) => secretName === object.secretName);
    outcomes.push(
      again ? failed(object.secretName, namedTwice(request, object)) : await syncOne(object, request, ports, signal),
    );
  }
  return outcomes;
}

async function syncOne(
  object: SecretObject,
  request: OwnedRequest,
  ports: SyncPorts,
  signal: AbortSignal,
): Promise<SecretOutcome> {
  const { secretName } = object;
  try {
    const desired = await desiredSecret(object, request, ports, signal);
    return { secretName, ...(await bringAboutNamed({ desired, fresh: request.fresh }, ports, signal)) };
  } catch (error) {
    return failed(secretName, error);
  }
}

async function bringAboutNamed(wish: Wish, ports: SyncPorts, signal: AbortSignal): Promise<Result> {
  const { namespace, name } = wish.desired.ref;
  try {
    return await bringAbout(wish, ports, signal);
  } catch (error) {
    throw inContext(`secret ${namespace}/${name}: `, error);
  }
}

async function desiredSecret(
  object: SecretObject,
  { secretProviderClass, owners, files, writtenAt }: OwnedRequest,
  { pfx, tokenTypesAllowed }: SyncPorts,
  signal: AbortSignal,
): Promise<DesiredSecret> {
  const { namespace, name } = secretProviderClass.ref;
  try {
    checkSecretObject(object, tokenTypesAllowed);
  } catch (error) {
    throw inContext(`failed to validate secret object in spc ${namespace}/${name}${named(object)}, err: `, error);
  }
  try {
    const { type, data } = await secretDataOf(object, { files, pfx }, signal);
    return { ref: { namespace, name: object.secretName }, type, data, owners, ...marksOf(object, name, writtenAt) };
  } catch (error) {
    throw inContext(`failed to get data in spc ${namespace}/${name} for secret ${object.secretName}, err: `, error);
  }
}

function named({ secretName }: SecretObject): string {
  return secretName === "" ? "" : ` for secret ${secretName}`;
}

function namedTwice({ secretProviderClass: { ref } }: SyncRequest, { secretName }: SecretObject): DriverError {
  return new DriverError(
    "InvalidRequest",
    `failed to validate secret object in spc ${ref.namespace}/${ref.name} for secret ${secretName}, err: ` +
      "secretName is used twice: give each entry of spec.secretObjects another",
  );
}

/** What a try by itself would not cure costs no request at each pass; the repair looks again now and then. */
const incurable: readonly Reason[] = ["InvalidRequest", "PermissionDenied"];

function failed(secretName: string, error: unknown): SecretOutcome {
  if (!(error instanceof DriverError)) throw error;
  return { secretName, outcome: incurable.includes(error.reason) ? "refused" : "failed", error };
}
