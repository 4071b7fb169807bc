import { DriverError, inContext } from "../../errors.ts";
import { decodeBase64, decodeHex } from "../../formats/go-text.ts";
import { pemBlock } from "../../formats/pem.ts";
import type { Content, ObjectVersion, VolumeFile } from "../../model.ts";
import { withContext } from "./context.ts";
import { describeObject, type KeyVaultObject, type ObjectEncoding, type ObjectKind } from "./objects.ts";
import { publicKeyPem } from "./public-key.ts";
import type { SecretBundle, Vault } from "./vault.ts";

/**
 * Fetches all objects at once and makes their files, in the order listed (azure-provider 4). If several fail, the first
 * in that order is told, so that the same faults give the same bytes; what still runs then is ended.
 */
export async function fetchContent(
  vault: Vault,
  objects: readonly KeyVaultObject[],
  signal: AbortSignal,
): Promise<Content> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const arriving = objects.map((object) => fetchObject(vault, object, either));
  // Those behind a failed one are no longer waited for; their failures must not go unhandled.
  void Promise.allSettled(arriving);
  try {
    const fetched: FetchedObject[] = [];
    for (const object of arriving) fetched.push(await object);
    return { files: fetched.map(({ file }) => file), versions: fetched.map(({ version }) => version) };
  } finally {
    failed.abort();
  }
}

interface FetchedObject {
  readonly file: VolumeFile;
  readonly version: ObjectVersion;
}

/** What a vault's answer amounts to: the text of the file before its encoding is taken off, and where it came from. */
interface Material {
  readonly text: string;
  readonly id: string | undefined;
}

type Fetch = (vault: Vault, object: KeyVaultObject, signal: AbortSignal) => Promise<Material>;

const fetchers: Readonly<Record<ObjectKind, Fetch>> = { secret: fetchSecret, key: fetchKey, cert: fetchCertificate };

async function fetchObject(vault: Vault, object: KeyVaultObject, signal: AbortSignal): Promise<FetchedObject> {
  const { text, id } = await fetchers[object.kind](vault, object, signal);
  const version = versionOf(object, id);
  const contents = decode(object, text);
  return {
    file: { path: object.path, mode: object.mode, contents },
    version: { id: `${object.kind}/${object.name}`, version },
  };
}

async function fetchSecret(vault: Vault, object: KeyVaultObject, signal: AbortSignal): Promise<Material> {
  const bundle = await named(object, vault.secret(object.name, object.version, signal));
  const value = bundle.value ?? nil(object, "secret value");
  return { text: withContext(beginning(object), () => secretText(object, value, bundle)), id: bundle.id };
}

/** A secret is its value, unless it is the private half of a certificate (azure-provider 4.2). */
function secretText({ format }: KeyVaultObject, value: string, { keyId, contentType }: SecretBundle): string {
  if (keyId === undefined || keyId === "") return value;
  if (contentType === "application/x-pem-file") return value;
  if (contentType !== "application/x-pkcs12") {
    throw unusable(`failed to get certificate. unknown content type '${printable(contentType)}'`);
  }
  if (format === "pfx") return value;
  throw unusable(
    "PFX to PEM conversion is not supported by this version: set objectFormat: pfx, or issue the certificate with content type PEM",
  );
}

async function fetchKey(vault: Vault, object: KeyVaultObject, signal: AbortSignal): Promise<Material> {
  const { key } = await named(object, vault.key(object.name, object.version, signal));
  if (key === undefined) return nil(object, "key value");
  const id = key.kid ?? nil(object, "key id");
  return { text: withContext(beginning(object), () => publicKeyPem(key)), id };
}

async function fetchCertificate(vault: Vault, object: KeyVaultObject, signal: AbortSignal): Promise<Material> {
  const { cer, id } = await named(object, vault.certificate(object.name, object.version, signal));
  const der = Buffer.from(cer ?? nil(object, "certificate value"), "base64");
  return { text: pemBlock("CERTIFICATE", der), id };
}

async function named<T>(object: KeyVaultObject, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw inContext(beginning(object), error);
  }
}

function beginning(object: KeyVaultObject): string {
  return `failed to get ${describeObject(object)}: `;
}

const nouns: Readonly<Record<ObjectKind, string>> = { secret: "secret", key: "key", cert: "certificate" };

/** The version that the vault gave, never the one asked for: `https://<vault>/<collection>/<name>/<version>`. */
function versionOf(object: KeyVaultObject, id: string | undefined): string {
  const url = URL.parse(id ?? nil(object, `${nouns[object.kind]} id`));
  const version = url?.pathname.split("/")[3] ?? "";
  if (version === "") throw unusable(`${nouns[object.kind]} id names no version (${describeObject(object)})`);
  return version;
}

const decoders: Readonly<Record<ObjectEncoding, (text: string) => Uint8Array>> = {
  "utf-8": (text) => Buffer.from(text, "utf8"),
  base64: decodeBase64,
  hex: decodeHex,
};

/** Users know these errors without the usual beginning; what failed is told behind them. */
function decode(object: KeyVaultObject, text: string): Uint8Array {
  try {
    return decoders[object.encoding](text);
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    throw unusable(`${error.message} (${describeObject(object)}): check objectEncoding`);
  }
}

function nil(object: KeyVaultObject, what: string): never {
  throw unusable(`${what} is nil (${describeObject(object)})`);
}

function unusable(message: string): DriverError {
  return new DriverError("ProviderError", message);
}

/** Text of a response leaves the process by pattern only. */
function printable(contentType: string | undefined): string {
  return contentType !== undefined && /^[\w.+/-]{1,64}$/.test(contentType) ? contentType : "";
}
