import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, rootCertificates, setDefaultCACertificates } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { trustExtraAuthorities } from "../../../src/process/trust.ts";
import { openAuthority } from "../../../src/emulator/ca.ts";

let dir: string;
let ca: string;
let before: string[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "trust-"));
  ca = (await openAuthority(join(dir, "authority"))).pem;
  before = getCACertificates("default");
});
afterEach(async () => {
  setDefaultCACertificates(before);
  await rm(dir, { recursive: true });
});

async function put(name: string, content: string): Promise<string> {
  const path = join(dir, name);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, content);
  return path;
}

const nowhere = "/nowhere/certs";
const trust = (env: Record<string, string>): Promise<void> => trustExtraAuthorities(env, nowhere);
const isTrusted = (pem: string): boolean => getCACertificates("default").some((one) => one.trim() === pem.trim());

describe("trustExtraAuthorities()", () => {
  test("without variables leaves Node's roots as they are", async () => {
    await trust({ SSL_CERT_FILE: "", SSL_CERT_DIR: "", NODE_EXTRA_CA_CERTS: "" });
    expect(getCACertificates("default")).toEqual(before);
  });
  test("a file that holds only a proxy's CA adds it to the roots", async () => {
    await trust({ SSL_CERT_FILE: await put("proxy.pem", `A proxy's CA\r\n${ca}`) });
    expect(isTrusted(ca)).toBe(true);
    expect(before.every(isTrusted)).toBe(true);
  });
  test("a directory adds what is in it: hashed links, Kubernetes' links, and nothing else", async () => {
    const certs = join(dir, "certs");
    await put("certs/..data/ca.crt", ca);
    await symlink("..data/ca.crt", join(certs, "ca.crt"));
    await symlink("ca.crt", join(certs, "3f1e2d4c.0"));
    await symlink("gone", join(certs, "dangling.0"));
    await put("certs/key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    await put("certs/broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    await put("certs/README", "no certificate");
    execFileSync("/usr/bin/mkfifo", [join(certs, "fifo")]);
    await trust({ SSL_CERT_DIR: `${nowhere}:${certs}` });
    expect(isTrusted(ca)).toBe(true);
    expect(getCACertificates("default")).toHaveLength(before.length + 1);
  });
  test("the established image's directory is read unless SSL_CERT_DIR replaces it", async () => {
    await put("system/proxy-cert.crt", ca);
    await put("other/ca.crt", rootCertificates[0] ?? "");
    await trustExtraAuthorities({ SSL_CERT_DIR: join(dir, "other") }, join(dir, "system"));
    expect(isTrusted(ca)).toBe(false);
    await trustExtraAuthorities({}, join(dir, "system"));
    expect(isTrusted(ca)).toBe(true);
  });
});

test.each([
  [
    { NODE_TLS_REJECT_UNAUTHORIZED: "0" },
    "NODE_TLS_REJECT_UNAUTHORIZED=0 would let anybody answer as a vault: remove it, and name the CA that is missing by SSL_CERT_FILE",
  ],
  [{ NODE_DEBUG: "http" }, "NODE_DEBUG would print the tokens and passwords of requests: remove it"],
])("%j undoes what TLS is for, and is refused", async (env, message) => {
  await expect(trust(env)).rejects.toMatchObject({ reason: "InvalidRequest", message });
});

test("the same variables undo nothing where they say so", async () => {
  await trust({ NODE_TLS_REJECT_UNAUTHORIZED: "1", NODE_DEBUG: "" });
});

describe.each(["SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"])("%s", (variable) => {
  const refusal = (path: string, why: string): object => ({
    reason: "InvalidRequest",
    message: `${variable}: ${path} ${why}: correct it, or unset it`,
  });
  test("that is not there is refused", async () => {
    await expect(trust({ [variable]: "/nowhere" })).rejects.toMatchObject(
      refusal("/nowhere", "cannot be read (ENOENT)"),
    );
  });
  test("without a certificate is refused, and nothing of it is told", async () => {
    const file = await put("empty/a.pem", "hunter2");
    const path = variable === "SSL_CERT_DIR" ? join(dir, "empty") : file;
    await expect(trust({ [variable]: path })).rejects.toMatchObject(refusal(path, "holds no certificate in PEM"));
  });
  test("of the wrong kind is refused at once", async () => {
    const path = variable === "SSL_CERT_DIR" ? await put("file", ca) : dir;
    const why = variable === "SSL_CERT_DIR" ? "ENOTDIR" : "no regular file";
    await expect(trust({ [variable]: path })).rejects.toMatchObject(refusal(path, `cannot be read (${why})`));
  });
});
