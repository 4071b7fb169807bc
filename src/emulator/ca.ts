import "reflect-metadata";
import { X509Certificate, createPrivateKey, randomBytes, webcrypto } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

const caSubject = "CN=azure-keyvault-csi emulator CA";
const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const tenYearsMs = 10 * 365 * 24 * 3_600_000;

/** A certificate and its private key, PEM. */
export interface ServerIdentity {
  readonly cert: string;
  readonly key: string;
}

/** The emulator's own certificate authority. */
export interface CertificateAuthority {
  /** What a client has to trust. */
  readonly pem: string;
  /** A server certificate for DNS names (`*.` included) and IP addresses. */
  issue(hosts: readonly string[]): Promise<ServerIdentity>;
}

/** The authority kept in `dir` (ca.pem, ca-key.pem), made at the first call, so that parts started apart trust each other. */
export async function openAuthority(dir: string): Promise<CertificateAuthority> {
  const certFile = join(dir, "ca.pem");
  const keyFile = join(dir, "ca-key.pem");
  if (!existsSync(keyFile)) {
    const made = await makeAuthority();
    await mkdir(dir, { recursive: true });
    await writeFile(keyFile, made.key, { mode: 0o600 });
    await writeFile(certFile, made.cert);
  }
  return authorityOf({ cert: await readFile(certFile, "utf8"), key: await readFile(keyFile, "utf8") });
}

/** An authority that is kept nowhere, and that nobody trusts yet. */
export async function createAuthority(): Promise<CertificateAuthority> {
  return authorityOf(await makeAuthority());
}

async function authorityOf({ cert, key }: ServerIdentity): Promise<CertificateAuthority> {
  const signingKey = await importSigningKey(key);
  return { pem: cert, issue: (hosts) => issue(hosts, signingKey, cert) };
}

async function makeAuthority(): Promise<ServerIdentity> {
  const keys = await webcrypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: caSubject,
    keys,
    ...validity(),
    signingAlgorithm: ecdsa,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: certificate.toString("pem"), key: await privateKeyPem(keys.privateKey) };
}

async function issue(
  hosts: readonly string[],
  signingKey: webcrypto.CryptoKey,
  caPem: string,
): Promise<ServerIdentity> {
  const keys = await webcrypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]);
  const names = hosts.map((value) => ({ type: isIP(value) ? ("ip" as const) : ("dns" as const), value }));
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${hosts[0] ?? "localhost"}`,
    issuer: caSubject,
    publicKey: keys.publicKey,
    signingKey,
    ...validity(),
    signingAlgorithm: ecdsa,
    extensions: [
      new SubjectAlternativeNameExtension(names),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    ],
  });
  return { cert: `${certificate.toString("pem")}\n${caPem}`, key: await privateKeyPem(keys.privateKey) };
}

/** What a vault keeps of a certificate: the leaf, its private key, and its thumbprint. */
export interface CertificateMaterial {
  readonly cer: Buffer;
  readonly privateKeyPem: string;
  readonly certificatePem: string;
}

/** Key kinds that a self-signed certificate can have. */
export type CertificateKey = "RSA-2048" | "P-256" | "P-384" | "P-521";

/** A self-signed certificate, as a vault makes it for the issuer "Self". */
export async function makeSelfSigned(subject: string, keyKind: CertificateKey): Promise<CertificateMaterial> {
  const algorithm =
    keyKind === "RSA-2048"
      ? { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", publicExponent: new Uint8Array([1, 0, 1]), modulusLength: 2048 }
      : { name: "ECDSA", namedCurve: keyKind, hash: "SHA-256" };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: positiveSerial(),
    name: subject,
    keys,
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + tenYearsMs / 10),
    signingAlgorithm: algorithm,
    extensions: [new BasicConstraintsExtension(false, undefined, true)],
  });
  const certificatePem = `${certificate.toString("pem")}\n`;
  return {
    cer: new X509Certificate(certificatePem).raw,
    certificatePem,
    privateKeyPem: await privateKeyPem(keys.privateKey),
  };
}

function validity(): { serialNumber: string; notBefore: Date; notAfter: Date } {
  // An hour of slack: containers and hosts disagree about the time.
  return {
    serialNumber: positiveSerial(),
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(Date.now() + tenYearsMs),
  };
}

function positiveSerial(): string {
  return `01${randomBytes(15).toString("hex")}`;
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key));
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" }).export({
    format: "pem",
    type: "pkcs8",
  }) as string;
}

async function importSigningKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ format: "der", type: "pkcs8" });
  return webcrypto.subtle.importKey("pkcs8", der, ecdsa, true, ["sign"]);
}
