import { spawnSync } from "node:child_process";
import { createPrivateKey, generateKeyPairSync, X509Certificate, type KeyObject } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSecureContext } from "node:tls";

const found = spawnSync("openssl", ["version"], { encoding: "utf8" });

/** Why tests with the openssl command cannot run, for their names; empty if they can. It has RC2-40 from 3.0 on by `-legacy`. */
export const cannotOpenssl = /^OpenSSL [3-9]/.test(found.stdout) ? "" : " (skipped: no openssl 3)";

export type KeyKind = "RSA 2048" | "RSA 3072" | "RSA 4096" | "P-256" | "P-384" | "P-521" | "Ed25519";

/** A certificate and its key. */
export interface Issued {
  readonly key: KeyObject;
  readonly certificate: X509Certificate;
}

export interface Workshop {
  /** A certificate with key ids, signed by the issuer, or by itself. */
  issue(name: string, kind: KeyKind, issuer?: Issued, extensions?: string): Issued;
  /** `openssl pkcs12 -export` with an empty password: the first certificate is the key's. */
  pack(key: KeyObject, certificates: readonly X509Certificate[], flags: readonly string[]): Buffer;
  /** What an openssl command writes; throws what it says when it fails. */
  openssl(args: readonly string[], input?: string): Buffer;
  /** Writes a file and gives its path; it is gone after `close`. */
  file(name: string, content: string): string;
  close(): void;
}

/** Makes certificates and PFX files as users do. */
export function createWorkshop(): Workshop {
  let made: string | undefined;
  // Skipped tests leave nothing behind.
  const pathOf = (name: string): string => join((made ??= mkdtempSync(join(tmpdir(), "akv-pfx-"))), name);
  const put = (name: string, content: string): string => {
    writeFileSync(pathOf(name), content);
    return pathOf(name);
  };
  const openssl: Workshop["openssl"] = (args, input) => {
    const { status, stdout, stderr } = spawnSync("openssl", args, { input });
    if (status !== 0) throw new Error(`openssl ${args.join(" ")}: ${String(stderr)}`);
    return stdout;
  };
  return {
    issue(name, kind, issuer, extensions = "basicConstraints=CA:TRUE") {
      const key = makeKey(kind);
      const keyFile = put("key.pem", pemOf(key));
      const request = openssl(["req", "-new", "-key", keyFile, "-subj", `/CN=${name}`]);
      const config = `${extensions}\n${extensions === "" ? "" : "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid"}`;
      const signing = issuer
        ? [
            ...["-CA", put("ca.pem", issuer.certificate.toString())],
            ...["-CAkey", put("ca-key.pem", pemOf(issuer.key))],
          ]
        : ["-signkey", keyFile];
      const args = ["x509", "-req", "-days", "30", ...signing, "-extfile", put("extensions", config)];
      return { key, certificate: new X509Certificate(openssl([...args], String(request))) };
    },
    pack(key, certificates, flags) {
      const file = put("certificates.pem", certificates.map(String).join(""));
      const out = pathOf("out.pfx");
      const args = ["-inkey", put("key.pem", pemOf(key)), "-in", file, "-out", out, "-passout", "pass:", ...flags];
      openssl(["pkcs12", "-export", ...args]);
      return readFileSync(out);
    },
    openssl,
    file: put,
    close: () => {
      if (made !== undefined) rmSync(made, { recursive: true });
    },
  };
}

function makeKey(kind: KeyKind): KeyObject {
  if (kind === "Ed25519") return generateKeyPairSync("ed25519").privateKey;
  if (kind.startsWith("RSA")) return generateKeyPairSync("rsa", { modulusLength: Number(kind.slice(4)) }).privateKey;
  return generateKeyPairSync("ec", { namedCurve: kind }).privateKey;
}

/** A private key as PKCS#8 PEM. */
export function pemOf(key: KeyObject): string {
  return key.export({ format: "pem", type: "pkcs8" }) as string;
}

/** The key and the certificates of a PEM text, as its readers find them. Throws if Node's TLS does not take them. */
export function consume(pem: string): { key: KeyObject; certificates: X509Certificate[] } {
  createSecureContext({ key: pem, cert: pem });
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g) ?? [];
  return { key: createPrivateKey(pem), certificates: blocks.map((block) => new X509Certificate(block)) };
}
