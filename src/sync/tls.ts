import { DriverError } from "../errors.ts";
import { decodeBase64 } from "../formats/go-text.ts";
import { pemBlock, readPem, type PemBlock } from "../formats/pem.ts";
import { privateKeyPem } from "../formats/private-key.ts";
import type { PfxReader } from "../ports.ts";

/** The keys of a Secret of type kubernetes.io/tls. */
export type TlsKey = "tls.crt" | "tls.key";

export function isTlsKey(key: string): key is TlsKey {
  return key === "tls.crt" || key === "tls.key";
}

/**
 * The certificates or the private key of a file that is PEM, or a PFX with the empty password, as bytes or in base64
 * (csi-driver 5.3). Certificates keep their order. Throws DriverError, which quotes nothing of the file.
 */
export async function tlsPart(
  contents: Uint8Array,
  key: TlsKey,
  pfx: PfxReader,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const text = Buffer.from(contents).toString("latin1");
  const found = readPem(text);
  const blocks = found.length > 0 ? found : readPem(await pfx.toPem(pfxIn(contents, text), signal));
  return Buffer.from(key === "tls.crt" ? certificatesOf(blocks) : privateKeyOf(blocks));
}

const DER_SEQUENCE = 0x30;

function pfxIn(contents: Uint8Array, text: string): Uint8Array {
  if (contents[0] === DER_SEQUENCE) return contents;
  try {
    return decodeBase64(text);
  } catch {
    throw unusable("it is neither PEM nor PFX: name a certificate, with objectType secret");
  }
}

function certificatesOf(blocks: readonly PemBlock[]): string {
  const certificates = blocks.filter(({ label }) => label === "CERTIFICATE");
  if (certificates.length === 0) throw unusable("it holds no certificate: name a certificate of the vault");
  return certificates.map(({ label, bytes }) => pemBlock(label, bytes)).join("");
}

/** The last one; parameters of a curve or requests may stand around it. */
function privateKeyOf(blocks: readonly PemBlock[]): string {
  const block = blocks.findLast(({ label }) => label.endsWith("PRIVATE KEY"));
  if (block === undefined)
    throw unusable("it holds no private key: use objectType secret, and a certificate whose key may be exported");
  if (isEncrypted(block)) throw unusable("its private key is encrypted: import it without a password");
  return privateKeyPem(block.bytes) ?? refuseKey();
}

function isEncrypted({ label, headers }: PemBlock): boolean {
  return label.startsWith("ENCRYPTED") || headers.some(([name]) => name === "DEK-Info");
}

function refuseKey(): never {
  throw unusable("its private key cannot be parsed: import it anew");
}

function unusable(why: string): DriverError {
  return new DriverError("InvalidRequest", why);
}
