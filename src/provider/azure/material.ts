import { DriverError, inContext } from "../../errors.ts";
import { pemBlock } from "../../formats/pem.ts";
import { withContext } from "./context.ts";
import { describeObject, type KeyVaultObject, type ObjectKind } from "./objects.ts";
import type { ReadPfx } from "./pfx.ts";
import { publicKeyPem } from "./public-key.ts";
import type { SecretBundle, Vault } from "./vault.ts";

/** Where objects come from and how they are read. */
export interface Sources {
  readonly vault: Vault;
  readonly readPfx: ReadPfx;
  /** Told once for each object whose certificates make no chain. */
  readonly onIncompleteChain: (object: KeyVaultObject) => void;
}

/** What a vault's answer amounts to: the text of the file before its encoding is taken off, and where it came from. */
export interface Material {
  readonly text: string;
  readonly id: string;
  /** Whether it is the secret half of a certificate. */
  readonly backsCertificate: boolean;
}

type Fetch = (sources: Sources, object: KeyVaultObject, signal: AbortSignal) => Promise<Material>;

const fetchers: Readonly<Record<ObjectKind, Fetch>> = { secret: fetchSecret, key: fetchKey, cert: fetchCertificate };

/** Fetches one version of one object. Throws DriverError. */
export const fetchMaterial: Fetch = (sources, object, signal) => fetchers[object.kind](sources, object, signal);

async function fetchSecret(sources: Sources, object: KeyVaultObject, signal: AbortSignal): Promise<Material> {
  const bundle = await named(object, sources.vault.secret(object.name, object.version, signal));
  const value = bundle.value ?? nil(object, "secret value");
  const id = bundle.id ?? nil(object, "secret id");
  if (bundle.keyId === undefined || bundle.keyId === "") return { text: value, id, backsCertificate: false };
  const text = await named(object, certificateText(sources, object, { ...bundle, value }, signal));
  return { text, id, backsCertificate: true };
}

type CertificateSecret = SecretBundle & { readonly value: string };

/** The secret half of a certificate (azure-provider 4.2). */
async function certificateText(
  { readPfx, onIncompleteChain }: Sources,
  object: KeyVaultObject,
  { value, contentType }: CertificateSecret,
  signal: AbortSignal,
): Promise<string> {
  if (contentType === "application/x-pem-file") return value;
  if (contentType !== "application/x-pkcs12") {
    throw unusable(`failed to get certificate. unknown content type '${printable(contentType)}'`);
  }
  if (object.format === "pfx") return value;
  const { pem, complete } = await readPfx(value, signal);
  if (!complete) onIncompleteChain(object);
  return pem;
}

async function fetchKey({ vault }: Sources, object: KeyVaultObject, signal: AbortSignal): Promise<Material> {
  const { key } = await named(object, vault.key(object.name, object.version, signal));
  if (key === undefined) return nil(object, "key value");
  const id = key.kid ?? nil(object, "key id");
  return { text: withContext(beginning(object), () => publicKeyPem(key)), id, backsCertificate: false };
}

async function fetchCertificate({ vault }: Sources, object: KeyVaultObject, signal: AbortSignal): Promise<Material> {
  const { cer, id } = await named(object, vault.certificate(object.name, object.version, signal));
  const der = Buffer.from(cer ?? nil(object, "certificate value"), "base64");
  return { text: pemBlock("CERTIFICATE", der), id: id ?? nil(object, "certificate id"), backsCertificate: false };
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
