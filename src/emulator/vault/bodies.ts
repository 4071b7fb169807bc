import type { CertificateKey } from "../ca.ts";
import type { VersionOptions } from "./collection.ts";
import type { CertificateShape, ImportedCertificate, KeyShape } from "./objects.ts";
import { readPfx } from "./pfx.ts";

/** What clients send: the parts that the emulator reads. */
export interface RequestBody {
  readonly value?: unknown;
  readonly contentType?: string;
  /** Of a PFX to import. */
  readonly pwd?: string;
  readonly attributes?: { enabled?: boolean; exp?: number; nbf?: number };
  readonly tags?: Record<string, string>;
  readonly kty?: string;
  readonly key_size?: number;
  readonly crv?: string;
  readonly policy?: {
    readonly key_props?: { kty?: string; key_size?: number; crv?: string };
    readonly secret_props?: { contentType?: string };
    readonly x509_props?: { subject?: string };
    readonly issuer?: { name?: string };
  };
}

/** The body of a request; one that is no JSON object counts as empty. */
export async function readBody(request: Request): Promise<RequestBody> {
  const body: unknown = await request.json().catch(() => undefined);
  return typeof body === "object" && body !== null ? body : {};
}

/** Attributes and tags that a body sets. */
export function versionOptions({ attributes = {}, tags }: RequestBody): Partial<VersionOptions> {
  return {
    ...(attributes.enabled === undefined ? {} : { enabled: attributes.enabled }),
    ...(attributes.exp === undefined ? {} : { expires: new Date(attributes.exp * 1000) }),
    ...(attributes.nbf === undefined ? {} : { notBefore: new Date(attributes.nbf * 1000) }),
    ...(tags === undefined ? {} : { tags }),
  };
}

const keyTypes = ["RSA", "RSA-HSM", "EC", "EC-HSM", "oct", "oct-HSM"] as const;
const curves = ["P-256", "P-384", "P-521", "P-256K"] as const;

/** The key that a body asks for; undefined when there is no such key type or curve. */
export function keyShape({ kty, key_size: size, crv }: RequestBody): KeyShape | undefined {
  const type = keyTypes.find((known) => known === kty);
  const curve = curves.find((known) => known === (crv ?? "P-256"));
  if (type === undefined || curve === undefined) return undefined;
  return { kty: type, curve, ...(size === undefined ? {} : { size }) };
}

const contentTypes = ["application/x-pem-file", "application/x-pkcs12"] as const;

/** The certificate that a policy asks for, or why it cannot be made. */
export function certificateShape({ policy = {} }: RequestBody): CertificateShape | string {
  const { key_props: key = {}, secret_props: secret = {}, x509_props: x509 = {}, issuer = {} } = policy;
  if (issuer.name !== "Self") return "The emulator makes certificates of the issuer Self only.";
  const contentType = contentTypes.find((known) => known === (secret.contentType ?? "application/x-pkcs12"));
  if (contentType === undefined) return "Property policy.secret_props.contentType has an invalid value.";
  const made = certificateKey(key);
  return made === undefined
    ? "Property policy.key_props.crv has an invalid value."
    : { subject: x509.subject ?? "CN=none", key: made, contentType };
}

/** The certificate that a body brings: PEM of key and chain, or a PFX in base64; or why it is none. */
export function importedCertificate({ value, pwd = "", policy }: RequestBody): ImportedCertificate | string {
  if (typeof value !== "string") return "The parameter value is not specified.";
  if (pwd !== "") return "The emulator imports a PFX without a password only.";
  // The SDK sends no policy with an import.
  const isPem = value.includes("-----BEGIN ");
  const contentType = policy?.secret_props?.contentType ?? (isPem ? contentTypes[0] : contentTypes[1]);
  try {
    const certificatePem = isPem ? value : String(readPfx(value)[0]);
    return { certificatePem: leafOf(certificatePem), secret: value, contentType };
  } catch {
    return "The specified PKCS#12 X.509 certificate content can not be read.";
  }
}

function leafOf(pem: string): string {
  const [first] = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(pem) ?? [];
  if (first === undefined) throw new Error("no certificate");
  return first;
}

function certificateKey({ kty = "RSA", crv = "P-256" }: { kty?: string; crv?: string }): CertificateKey | undefined {
  if (!kty.startsWith("EC")) return "RSA-2048";
  return (["P-256", "P-384", "P-521"] as const).find((known) => known === crv);
}
