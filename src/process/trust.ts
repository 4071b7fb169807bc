import { X509Certificate } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { DriverError } from "../errors.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the established image has its roots: what users mount there they want trusted (azure-provider 2.10). */
const SYSTEM_DIR = "/etc/ssl/certs";

const PEM = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Larger than any bundle of roots; keeps a mistaken path from filling the memory. */
const MOST_BYTES = 8 * 1024 * 1024;

/**
 * Lets every TLS connection that has no CA of its own trust, beside Node's roots, what SSL_CERT_FILE, SSL_CERT_DIR and
 * NODE_EXTRA_CA_CERTS name; without SSL_CERT_DIR also what is mounted at /etc/ssl/certs. Throws InvalidRequest for a variable
 * that brings no certificate (better now than as a vault's certificate that nobody trusts), and for those by which
 * Node would undo what TLS is for.
 */
export async function trustExtraAuthorities(env: Environment, systemDir = SYSTEM_DIR): Promise<void> {
  refuseUndoing(env);
  const { SSL_CERT_FILE: file, SSL_CERT_DIR: dirs, NODE_EXTRA_CA_CERTS: extra } = env;
  // Node has taken these already; it only warns of a file that it cannot read.
  if (extra) await required("NODE_EXTRA_CA_CERTS", [extra], readFileAt);
  const found = [
    file ? await required("SSL_CERT_FILE", [file], readFileAt) : [],
    dirs ? await required("SSL_CERT_DIR", dirs.split(":"), readDir) : await readDir(systemDir).catch(() => []),
  ];
  const certificates = certificatesIn(found.flat());
  if (certificates.length > 0) setDefaultCACertificates([...getCACertificates("default"), ...certificates]);
}

function refuseUndoing(env: Environment): void {
  if (env["NODE_TLS_REJECT_UNAUTHORIZED"] === "0")
    throw new DriverError(
      "InvalidRequest",
      "NODE_TLS_REJECT_UNAUTHORIZED=0 would let anybody answer as a vault: remove it, and name the CA that is missing by SSL_CERT_FILE",
    );
  if (env["NODE_DEBUG"])
    throw new DriverError("InvalidRequest", "NODE_DEBUG would print the tokens and passwords of requests: remove it");
}

type Read = (path: string) => Promise<readonly string[]>;

/** As with Go, one of several directories may be missing; at least one certificate must come of all. */
async function required(variable: string, paths: readonly string[], read: Read): Promise<readonly string[]> {
  const results = await Promise.allSettled(paths.map(read));
  const blocks = results.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
  if (certificatesIn(blocks).length > 0) return blocks;
  const failed = results.find((result) => result.status === "rejected");
  const { code = "" } = (failed?.reason ?? {}) as NodeJS.ErrnoException;
  const complaint = code === "" ? "holds no certificate in PEM" : `cannot be read (${code})`;
  throw new DriverError("InvalidRequest", `${variable}: ${paths.join(":")} ${complaint}: correct it, or unset it`);
}

/** Whatever holds certificates, hashed links and Kubernetes' own links too; directories and other files are passed over. */
async function readDir(dir: string): Promise<readonly string[]> {
  const names = await readdir(dir);
  const contents = await Promise.all(names.map((name) => readFileAt(join(dir, name)).catch(() => [])));
  return contents.flat();
}

async function readFileAt(path: string): Promise<readonly string[]> {
  const found = await stat(path);
  // Nothing that would wait for a writer, or never end.
  if (!found.isFile()) throw Object.assign(new Error("no regular file"), { code: "no regular file" });
  if (found.size > MOST_BYTES) throw Object.assign(new Error("too large"), { code: "larger than 8 MiB" });
  return (await readFile(path, "latin1")).match(PEM) ?? [];
}

/** Each once: a directory has its certificates under several names. */
function certificatesIn(blocks: readonly string[]): readonly string[] {
  return [...new Set(blocks)].filter(isCertificate);
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}
