import { DriverError, inContext } from "../errors.ts";
import type { SecretData, SecretObject, VolumeFile } from "../model.ts";
import type { PfxReader } from "../ports.ts";
import { checkContent, checkType, OPAQUE, TLS } from "./secret-types.ts";
import { isTlsKey, tlsPart } from "./tls.ts";

/** What the values of a Secret are made from. */
export interface DataSources {
  readonly files: readonly VolumeFile[];
  readonly pfx: PfxReader;
}

/** The type and the values of a Secret. */
export interface TypedData {
  readonly type: string;
  readonly data: SecretData;
}

/** Kubernetes: "MaxSecretSize", the values of all keys together. */
const MAX_SECRET_BYTES = 1024 * 1024;
const MAX_NAME = 253;
const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const KEY = /^(?!\.$|\.\.)[-._a-zA-Z0-9]+$/;

/** Throws DriverError where an entry of spec.secretObjects names no Secret (csi-driver 5.3). */
export function checkSecretObject({ secretName, type, data }: SecretObject, tokenTypesAllowed: boolean): void {
  if (secretName === "") throw invalid("secret name is empty: set secretName");
  if (secretName.length > MAX_NAME || !NAME.test(secretName))
    throw invalid(
      `secret name ${JSON.stringify(secretName.slice(0, MAX_NAME))} is none that Kubernetes takes: ` +
        `use lower case letters, digits, "-" and "."`,
    );
  checkType(type, tokenTypesAllowed);
  if (data.length === 0) throw invalid("data is empty: name an object and its key");
}

/** The values that a secretObject asks for, of these files (csi-driver 5.3). Of two entries with one key the later counts. */
export async function secretDataOf(
  object: SecretObject,
  sources: DataSources,
  signal: AbortSignal,
): Promise<TypedData> {
  const type = object.type === "" ? OPAQUE : object.type;
  const values = new Map<string, Uint8Array>();
  for (const { objectName, key } of object.data) {
    const contents = contentsOf(objectName, key, sources.files);
    values.set(key, type === TLS ? await tlsValue({ objectName, key, contents }, sources, signal) : contents);
  }
  const data = Object.fromEntries(values);
  checkContent(type, data);
  checkSize(data);
  return { type, data };
}

function contentsOf(objectName: string, key: string, files: readonly VolumeFile[]): Uint8Array {
  if (objectName === "") throw invalid("object name in secretObjects.data is empty: set objectName");
  if (key === "") throw invalid("key in secretObjects.data is empty: set key");
  if (key.length > MAX_NAME || !KEY.test(key))
    throw invalid(
      `key ${JSON.stringify(key.slice(0, MAX_NAME))} in secretObjects.data is none that Kubernetes takes: ` +
        `use letters, digits, "-", "_" and "."`,
    );
  const file = files.find(({ path }) => path === objectName);
  if (file !== undefined) return file.contents;
  throw invalid(
    `file matching objectName ${objectName} not found in the pod: it must be the objectName of an object of the class, or its objectAlias if it has one`,
  );
}

interface Entry {
  readonly objectName: string;
  readonly key: string;
  readonly contents: Uint8Array;
}

async function tlsValue(
  { objectName, key, contents }: Entry,
  { pfx }: DataSources,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (!isTlsKey(key)) throw invalid(`tls key ${key} is not supported. Only tls.key and tls.crt are supported`);
  try {
    return await tlsPart(contents, key, pfx, signal);
  } catch (error) {
    throw inContext(`failed to get cert data from file ${objectName}, err: `, error);
  }
}

function checkSize(data: SecretData): void {
  const bytes = Object.values(data).reduce((sum, value) => sum + value.byteLength, 0);
  if (bytes > MAX_SECRET_BYTES)
    throw invalid(
      `the Secret would hold ${bytes} bytes, more than Kubernetes' limit of ${MAX_SECRET_BYTES}: split it into several`,
    );
}

function invalid(message: string): DriverError {
  return new DriverError("InvalidRequest", message);
}
