import "reflect-metadata";
import { webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  type X509Certificate,
} from "@peculiar/x509";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const issuer = "CN=a proxy's CA";

/** The CA of a proxy that opens TLS, another one than the emulator's, and a certificate that it made for these names. */
export async function makeProxyAuthority(
  names: readonly string[],
  { expired = false } = {},
): Promise<{ ca: string; cert: string; key: string }> {
  const keys = await makeKeys();
  const authority = await X509CertificateGenerator.createSelfSigned({
    name: issuer,
    keys,
    signingAlgorithm: algorithm,
    ...(expired && { notBefore: new Date("2020-01-01"), notAfter: new Date("2021-01-01") }),
    extensions: [new BasicConstraintsExtension(true, 0, true)],
  });
  const own = await makeKeys();
  const leaf = await X509CertificateGenerator.create({
    subject: "CN=opened",
    issuer,
    publicKey: own.publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: algorithm,
    extensions: [new SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns", value })))],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", own.privateKey)).toString("base64");
  return {
    ca: pem(authority),
    cert: pem(leaf),
    key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
  };
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

function pem(certificate: X509Certificate): string {
  return `${certificate.toString("pem")}\n`;
}
