import { X509Certificate, createHash } from "node:crypto";
import type { Version } from "./collection.ts";
import type { CertificateValue, Kind, KeyValue, SecretValue } from "./objects.ts";

/** How the versions of one kind are written as Key Vault's JSON. `base` is the vault's URL without a slash at the end. */
export interface Print<Value> {
  /** What a get answers. */
  full(version: Version<Value>, base: string): object;
  /** What stands in a list of versions; without the version in its id, in a list of objects. */
  item(version: Version<Value>, id: string): object;
  /** What set, update and delete answer. */
  changed(version: Version<Value>, base: string): object;
}

/** Address of a version. */
export function versionId(kind: Kind, { name, version }: Version<unknown>, base: string): string {
  return `${base}/${kind}/${name}/${version}`;
}

const secretPrint: Print<SecretValue> = {
  full: (secret, base) => ({
    value: secret.value.value,
    ...secretProperties(secret, versionId("secrets", secret, base), base),
  }),
  item: (secret, id) => secretProperties(secret, id),
  changed: (secret, base) => secretProperties(secret, versionId("secrets", secret, base), base),
};

function secretProperties(secret: Version<SecretValue>, id: string, base?: string): object {
  const { contentType, backsCertificate } = secret.value;
  return {
    ...(contentType === undefined ? {} : { contentType }),
    id,
    ...(backsCertificate === true ? { managed: true } : {}),
    ...(backsCertificate === true && base !== undefined ? { kid: versionId("keys", secret, base) } : {}),
    attributes: attributes(secret),
    tags: secret.tags,
  };
}

const keyPrint: Print<KeyValue> = {
  full: keyBundle,
  item: (key, kid) => ({ kid, attributes: attributes(key), tags: key.tags, ...managed(key) }),
  changed: keyBundle,
};

function keyBundle(key: Version<KeyValue>, base: string): object {
  const operations = key.value.jwk.kty.startsWith("oct")
    ? ["encrypt", "decrypt", "wrapKey", "unwrapKey"]
    : ["sign", "verify", "wrapKey", "unwrapKey", "encrypt", "decrypt"];
  return {
    key: { kid: versionId("keys", key, base), ...key.value.jwk, key_ops: operations },
    attributes: attributes(key),
    tags: key.tags,
    ...managed(key),
  };
}

function managed(key: Version<KeyValue>): object {
  return key.value.backsCertificate === true ? { managed: true } : {};
}

const certificatePrint: Print<CertificateValue> = {
  full: certificateBundle,
  item: (certificate, id) => ({ id, ...certificateProperties(certificate) }),
  changed: certificateBundle,
};

function certificateBundle(certificate: Version<CertificateValue>, base: string): object {
  const { cer, contentType, subject } = certificate.value;
  return {
    id: versionId("certificates", certificate, base),
    kid: versionId("keys", certificate, base),
    sid: versionId("secrets", certificate, base),
    cer: cer.toString("base64"),
    ...certificateProperties(certificate),
    policy: {
      id: `${base}/certificates/${certificate.name}/policy`,
      key_props: { exportable: true, reuse_key: false },
      secret_props: { contentType },
      x509_props: { subject, validity_months: 12 },
      issuer: { name: "Self" },
    },
  };
}

function certificateProperties(certificate: Version<CertificateValue>): object {
  const { cer } = certificate.value;
  const { validFromDate, validToDate } = new X509Certificate(cer);
  return {
    x5t: createHash("sha1").update(cer).digest("base64url"),
    attributes: { ...attributes(certificate), nbf: seconds(validFromDate), exp: seconds(validToDate) },
    tags: certificate.tags,
  };
}

function attributes({ enabled, created, updated, expires, notBefore }: Version<unknown>): object {
  return {
    enabled,
    ...(notBefore ? { nbf: seconds(notBefore) } : {}),
    ...(expires ? { exp: seconds(expires) } : {}),
    created: seconds(created),
    updated: seconds(updated),
    recoveryLevel: "Recoverable+Purgeable",
    recoverableDays: 90,
  };
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}

/** The printers of the three kinds. */
export const prints = { secrets: secretPrint, keys: keyPrint, certificates: certificatePrint } as const;
