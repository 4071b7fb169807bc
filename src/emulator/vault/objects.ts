import { X509Certificate, generateKeyPair } from "node:crypto";
import type { JsonWebKey, KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { makeSelfSigned } from "../ca.ts";
import type { CertificateKey } from "../ca.ts";
import { createCollection, newVersionId } from "./collection.ts";
import type { Collection, Version, VersionOptions } from "./collection.ts";
import { makePfx } from "./pfx.ts";

const generate = promisify(generateKeyPair) as (
  type: string,
  options: object,
) => Promise<{ publicKey: KeyObject; privateKey: KeyObject }>;

/** The three kinds of objects, by their name in paths. */
export type Kind = "secrets" | "keys" | "certificates";

/** A secret's content. */
export interface SecretValue {
  readonly value: string;
  readonly contentType?: string;
  /** Set on the secret that backs a certificate. */
  readonly backsCertificate?: boolean;
}

/** Key types as Key Vault labels them; the HSM ones differ in the label only. */
export type KeyType = "RSA" | "RSA-HSM" | "EC" | "EC-HSM" | "oct" | "oct-HSM";

/** A key's public part. */
export interface KeyValue {
  readonly jwk: JsonWebKey & { readonly kty: KeyType };
  readonly backsCertificate?: boolean;
}

/** A certificate as the vault returns it: the leaf. */
export interface CertificateValue {
  readonly cer: Buffer;
  readonly contentType: string;
  readonly subject: string;
}

/** How a key is made. */
export interface KeyShape {
  readonly kty: KeyType;
  readonly size?: number;
  readonly curve?: "P-256" | "P-384" | "P-521" | "P-256K";
}

/** A certificate made elsewhere: the leaf, and the text of its secret (PEM, or base64 of a PFX). */
export interface ImportedCertificate {
  readonly certificatePem: string;
  readonly secret: string;
  readonly contentType: string;
}

/** What the secret half of a certificate is: PEM, or a PFX in base64. */
export type CertificateContentType = "application/x-pem-file" | "application/x-pkcs12";

/** A certificate to make; by default of its name, RSA and PEM. */
export interface CertificateShape {
  readonly subject?: string;
  readonly key?: CertificateKey;
  readonly contentType?: CertificateContentType;
}

/** Everything that one vault holds. */
export interface VaultObjects {
  readonly secrets: Collection<SecretValue>;
  readonly keys: Collection<KeyValue>;
  readonly certificates: Collection<CertificateValue>;
  /** Each returns the version. */
  setSecret(name: string, value: string, options?: VersionOptions & { contentType?: string }): string;
  createKey(name: string, shape: KeyShape, options?: VersionOptions): Promise<string>;
  /** A self-signed certificate with its key and its secret. */
  createCertificate(name: string, shape?: CertificateShape, options?: VersionOptions): Promise<string>;
  importCertificate(name: string, imported: ImportedCertificate, options?: VersionOptions): string;
  /** Enables or disables a version, the current one when none is named; a certificate takes its key and secret along. */
  setEnabled(kind: Kind, name: string, enabled: boolean, version?: string): void;
  delete(kind: Kind, name: string): void;
}

/** An empty vault. */
export function createVaultObjects(): VaultObjects {
  const secrets = createCollection<SecretValue>();
  const keys = createCollection<KeyValue>();
  const certificates = createCollection<CertificateValue>();
  const collections = { secrets, keys, certificates };
  const withBacking = (kind: Kind): Kind[] => (kind === "certificates" ? ["certificates", "keys", "secrets"] : [kind]);

  function importCertificate(name: string, imported: ImportedCertificate, options: VersionOptions = {}): string {
    const { contentType, secret } = imported;
    const leaf = new X509Certificate(imported.certificatePem);
    const jwk = leaf.publicKey.export({ format: "jwk" }) as KeyValue["jwk"];
    const same = { version: newVersionId(), ...options };
    keys.add(name, { jwk, backsCertificate: true }, same);
    secrets.add(name, { value: secret, contentType, backsCertificate: true }, same);
    return certificates.add(name, { cer: leaf.raw, contentType, subject: leaf.subject }, same).version;
  }

  return {
    ...collections,
    setSecret(name, value, { contentType, ...options } = {}) {
      return secrets.add(name, { value, ...(contentType === undefined ? {} : { contentType }) }, options).version;
    },
    async createKey(name, shape, options) {
      return keys.add(name, { jwk: await makeJwk(shape) }, options).version;
    },
    async createCertificate(name, shape = {}, options) {
      const { subject = `CN=${name}`, key = "RSA-2048", contentType = "application/x-pem-file" } = shape;
      const { certificatePem, privateKeyPem } = await makeSelfSigned(subject, key);
      const secret =
        contentType === "application/x-pkcs12"
          ? makePfx(privateKeyPem, [new X509Certificate(certificatePem)])
          : `${privateKeyPem}${certificatePem}`;
      return importCertificate(name, { certificatePem, secret, contentType }, options);
    },
    importCertificate,
    setEnabled(kind, name, enabled, version) {
      const id = (collections[kind].find(name, version) as Version<unknown> | undefined)?.version;
      for (const each of withBacking(kind)) collections[each].change(name, id, { enabled });
    },
    delete(kind, name) {
      for (const each of withBacking(kind)) collections[each].delete(name);
    },
  };
}

async function makeJwk({ kty, size = 2048, curve = "P-256" }: KeyShape): Promise<KeyValue["jwk"]> {
  if (kty === "oct" || kty === "oct-HSM") return { kty };
  if (kty.startsWith("RSA")) {
    const { publicKey } = await generate("rsa", { modulusLength: size });
    return { ...publicKey.export({ format: "jwk" }), kty };
  }
  const { publicKey } = await generate("ec", { namedCurve: curve === "P-256K" ? "secp256k1" : curve });
  return { ...publicKey.export({ format: "jwk" }), kty, crv: curve };
}
