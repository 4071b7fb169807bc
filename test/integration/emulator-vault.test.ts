import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { ClientSecretCredential } from "@azure/identity";
import { CertificateClient } from "@azure/keyvault-certificates";
import { KeyClient } from "@azure/keyvault-keys";
import { SecretClient } from "@azure/keyvault-secrets";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startEmulator, type Emulator } from "../../src/emulator/emulator.ts";
import type { ServicePrincipal } from "../../src/emulator/settings.ts";
import { makeSelfSigned } from "../../src/emulator/ca.ts";
import { readRights } from "../../src/emulator/vault/access.ts";
import { makePfx } from "../../src/emulator/vault/pfx.ts";
import { pfxToPem } from "../../src/provider/azure/pfx-pem.ts";

let dir: string;
let emulator: Emulator;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "akv-emulator-"));
  emulator = await startEmulator({ dir, ports: { entra: 0, vault: 0, kubernetes: 0 } });
  tls.setDefaultCACertificates([...tls.getCACertificates(), await readFile(join(dir, "ca.pem"), "utf8")]);
});

beforeEach(() => {
  for (const { tally } of emulator.vaults.all()) tally.reset();
});

afterAll(async () => {
  await emulator.stop();
  await rm(dir, { recursive: true, force: true });
});

const vaultUrl = (name: string): string => `https://${name}.${emulator.settings.vaultSuffix}`;
const noRetries = { retryOptions: { maxRetries: 0 } };

function credential({ clientId, clientSecret } = emulator.settings.demo): ClientSecretCredential {
  const { tenantId, entraUrl } = emulator.settings;
  return new ClientSecretCredential(tenantId, clientId, clientSecret, {
    authorityHost: entraUrl,
    disableInstanceDiscovery: true,
  });
}

function secretsOf(vault = "demo-vault", as?: ServicePrincipal): SecretClient {
  return new SecretClient(vaultUrl(vault), credential(as), noRetries);
}

describe("a secret", () => {
  test("is read with its version, content type, tags and dates", async () => {
    const expires = new Date("2040-01-01T00:00:00Z");
    const version = emulator.vaults
      .named("demo-vault")
      .setSecret("Described", "value", { contentType: "text/plain", tags: { team: "blue" }, expires });
    const { name, value, properties } = await secretsOf().getSecret("Described");
    expect([name, value]).toEqual(["Described", "value"]);
    expect(properties).toMatchObject({
      version,
      enabled: true,
      contentType: "text/plain",
      tags: { team: "blue" },
      expiresOn: expires,
      vaultUrl: vaultUrl("demo-vault"),
    });
  });

  test("keeps its older versions", async () => {
    const admin = secretsOf("demo-vault", emulator.settings.admin);
    const { properties: first } = await admin.setSecret("Rotated", "old");
    await admin.setSecret("Rotated", "new");
    expect((await secretsOf().getSecret("Rotated")).value).toBe("new");
    expect((await secretsOf().getSecret("Rotated", { version: first.version ?? "" })).value).toBe("old");
  });

  test("is found whatever the case of its name", async () => {
    emulator.vaults.named("demo-vault").setSecret("MixedCase", "value");
    expect((await secretsOf().getSecret("mixedcase")).value).toBe("value");
  });

  test("is refused with 403 while it is disabled, and read again when it is enabled", async () => {
    const vault = emulator.vaults.named("demo-vault");
    vault.setSecret("Switched", "value");
    vault.setEnabled("secrets", "Switched", false);
    await expect(secretsOf().getSecret("Switched")).rejects.toMatchObject({
      statusCode: 403,
      message: expect.stringContaining("not allowed on a disabled secret") as string,
    });
    vault.setEnabled("secrets", "Switched", true);
    expect((await secretsOf().getSecret("Switched")).value).toBe("value");
  });

  test.each(["never-there", "Deleted"])("named %s is answered with 404", async (name) => {
    const vault = emulator.vaults.named("demo-vault");
    vault.setSecret("Deleted", "value");
    vault.delete("secrets", "Deleted");
    await expect(secretsOf().getSecret(name)).rejects.toMatchObject({ statusCode: 404, code: "SecretNotFound" });
  });

  test("of a version that does not exist is answered with 404", async () => {
    emulator.vaults.named("demo-vault").setSecret("Versioned", "value");
    const version = "0123456789abcdef0123456789abcdef";
    await expect(secretsOf().getSecret("Versioned", { version })).rejects.toMatchObject({ statusCode: 404 });
  });

  test("that is deleted blocks its name until it is recovered", async () => {
    const admin = secretsOf("demo-vault", emulator.settings.admin);
    await admin.setSecret("Recovered", "value");
    emulator.vaults.named("demo-vault").delete("secrets", "Recovered");
    await expect(admin.setSecret("Recovered", "other")).rejects.toMatchObject({ statusCode: 409 });
    await (await admin.beginRecoverDeletedSecret("Recovered")).pollUntilDone();
    expect((await admin.getSecret("Recovered")).value).toBe("value");
  });

  test("is refused with 403 and the caller's appid to those without the right", async () => {
    const { demo } = emulator.settings;
    emulator.vaults.named("other-vault").setSecret("Private", "value");
    const refused = { statusCode: 403, message: expect.stringContaining(`appid=${demo.clientId}`) as string };
    await expect(secretsOf("other-vault").getSecret("Private")).rejects.toMatchObject(refused);
    await expect(secretsOf().setSecret("Mine", "value")).rejects.toMatchObject(refused);
  });
});

describe("lists", () => {
  test("of versions are given, page after page, to those with the right to list", async () => {
    const vault = emulator.vaults.named("third-vault");
    vault.allow(emulator.settings.demo.objectId, readRights);
    const made = Array.from({ length: 30 }, (_, n) => vault.setSecret("Listed", `value ${n}`));
    const listed: string[] = [];
    for await (const { version = "" } of secretsOf("third-vault").listPropertiesOfSecretVersions("Listed"))
      listed.push(version);
    expect(listed).toEqual(made.toSorted());
    expect(vault.tally.counters()).toMatchObject({ requests: 2, challenges: 1 });
  });
});

describe("a key", () => {
  test.each([
    { shape: { kty: "RSA", size: 3072 }, jwk: { kty: "RSA" } },
    { shape: { kty: "RSA-HSM" }, jwk: { kty: "RSA-HSM" } },
    { shape: { kty: "EC", curve: "P-256" }, jwk: { kty: "EC", crv: "P-256" } },
    { shape: { kty: "EC-HSM", curve: "P-521" }, jwk: { kty: "EC-HSM", crv: "P-521" } },
    { shape: { kty: "EC", curve: "P-256K" }, jwk: { kty: "EC", crv: "P-256K" } },
    { shape: { kty: "oct-HSM" }, jwk: { kty: "oct-HSM" } },
  ] as const)("of shape $shape is returned as its public part", async ({ shape, jwk }) => {
    const name = Object.values(shape).join("-");
    const version = await emulator.vaults.named("demo-vault").createKey(name, shape);
    const { key, properties } = await new KeyClient(vaultUrl("demo-vault"), credential(), noRetries).getKey(name);
    expect(key).toMatchObject(jwk);
    expect([properties.version, key?.d, key?.k]).toEqual([version, undefined, undefined]);
    if (key?.kty?.startsWith("RSA")) expect(key.n?.length).toBe(("size" in shape ? shape.size : 2048) / 8);
  });
});

describe("a certificate", () => {
  test.each(["RSA-2048", "P-256"] as const)("of kind %s is the leaf that its secret and key belong to", async (key) => {
    const vault = emulator.vaults.named("demo-vault");
    const name = `cert-${key}`;
    const version = await vault.createCertificate(name, { subject: "CN=example", key });
    const client = new CertificateClient(vaultUrl("demo-vault"), credential(), noRetries);
    const { cer = new Uint8Array(), properties } = await client.getCertificate(name);
    const leaf = new X509Certificate(cer);
    expect([properties.version, leaf.subject]).toEqual([version, "CN=example"]);
    expect(properties.expiresOn).toEqual(leaf.validToDate);
    const { value = "", properties: secret } = await secretsOf().getSecret(name);
    expect(secret).toMatchObject({ version, contentType: "application/x-pem-file", managed: true });
    expect(new X509Certificate(value).fingerprint256).toBe(leaf.fingerprint256);
    const { key: jwk } = await new KeyClient(vaultUrl("demo-vault"), credential(), noRetries).getKey(name);
    expect(jwk?.kty).toBe(leaf.publicKey.export({ format: "jwk" }).kty);
  });
});

describe("a certificate's secret", () => {
  const client = (as = emulator.settings.admin): CertificateClient =>
    new CertificateClient(vaultUrl("demo-vault"), credential(as), noRetries);

  test.each(["RSA-2048", "P-521"] as const)(
    "of the content type PKCS#12 (%s) is a PFX of key and leaf",
    async (key) => {
      const vault = emulator.vaults.named("demo-vault");
      const name = `pfx-${key}`;
      await vault.createCertificate(name, { key, contentType: "application/x-pkcs12" });
      const { value = "", properties } = await secretsOf().getSecret(name);
      expect(properties).toMatchObject({ contentType: "application/x-pkcs12", managed: true });
      const { pem } = pfxToPem(Buffer.from(value, "base64"), true);
      const { cer = new Uint8Array() } = await client().getCertificate(name);
      expect(new X509Certificate(pem).raw.equals(cer)).toBe(true);
      expect(new X509Certificate(pem).checkPrivateKey(createPrivateKey(pem))).toBe(true);
    },
  );
  test.each(["application/x-pkcs12", "application/x-pem-file"] as const)(
    "is made as %s where the policy says so",
    async (contentType) => {
      const name = `policy-${contentType.slice(-4)}`;
      const poller = await client().beginCreateCertificate(name, { issuerName: "Self", subject: "CN=p", contentType });
      await poller.pollUntilDone();
      expect((await secretsOf().getSecret(name)).properties.contentType).toBe(contentType);
    },
  );
  test("that was imported as PEM is that PEM, its chain included; the certificate is the leaf", async () => {
    const [leaf, root] = await Promise.all([makeSelfSigned("CN=leaf", "P-256"), makeSelfSigned("CN=root", "P-256")]);
    const pem = [leaf.privateKeyPem, leaf.certificatePem, root.certificatePem].join("");
    const policy = { contentType: "application/x-pem-file", issuerName: "Unknown", subject: "CN=leaf" } as const;
    const { cer } = await client().importCertificate("imported-pem", Buffer.from(pem), { policy });
    expect(leaf.cer.equals(cer ?? new Uint8Array())).toBe(true);
    expect((await secretsOf().getSecret("imported-pem")).value).toBe(pem);
  });
  test("that was imported as PFX is that PFX, what is none is refused", async () => {
    const leaf = await makeSelfSigned("CN=leaf", "RSA-2048");
    const pfx = makePfx(leaf.privateKeyPem, [new X509Certificate(leaf.cer)]);
    const { cer } = await client().importCertificate("imported-pfx", Buffer.from(pfx, "base64"));
    expect(leaf.cer.equals(cer ?? new Uint8Array())).toBe(true);
    const { value, properties } = await secretsOf().getSecret("imported-pfx");
    expect([value, properties.contentType]).toEqual([pfx, "application/x-pkcs12"]);
    const refused = { statusCode: 400 };
    await expect(client().importCertificate("bad", Buffer.from("x"))).rejects.toMatchObject(refused);
    const { demo } = emulator.settings;
    await expect(client(demo).importCertificate("mine", Buffer.from(pfx, "base64"))).rejects.toMatchObject({
      statusCode: 403,
    });
  });
});

describe("a request", () => {
  async function ask(query: string): Promise<{ status: number; text: string }> {
    emulator.vaults.named("demo-vault").setSecret("Asked", "value");
    const { token } = await credential().getToken(`https://${emulator.settings.vaultSuffix}/.default`);
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${vaultUrl("demo-vault")}/secrets/Asked${query}`, { headers });
    return { status: response.status, text: await response.text() };
  }

  test("without api-version is refused with 400", async () => {
    expect(await ask("")).toMatchObject({ status: 400, text: expect.stringContaining("must be specified") as string });
  });

  test("of an unknown api-version is refused with 400", async () => {
    expect(await ask("?api-version=1.0")).toMatchObject({
      status: 400,
      text: expect.stringContaining("(1.0) is not recognized") as string,
    });
  });

  test("of a known api-version is answered", async () => {
    expect(await ask("?api-version=7.4")).toMatchObject({ status: 200 });
  });

  test("is answered later by the latency that was added", async () => {
    const vault = emulator.vaults.named("demo-vault");
    vault.setSecret("Slow", "value");
    vault.setLatency(150);
    const start = performance.now();
    await secretsOf().getSecret("Slow");
    vault.setLatency(0);
    // The challenge and the read are each delayed.
    expect(performance.now() - start).toBeGreaterThanOrEqual(295);
  });

  test("is counted by what was answered, the challenge apart, and forgotten by a reset", async () => {
    const { tally, setSecret } = emulator.vaults.named("demo-vault");
    setSecret("Counted", "value");
    const client = secretsOf();
    await client.getSecret("Counted");
    await client.getSecret("Counted");
    await client.getSecret("Uncounted").catch(() => undefined);
    expect(tally.counters()).toEqual({
      requests: 3,
      challenges: 1,
      peakInFlight: 1,
      answers: { "GET /secrets/Counted/ 200": 2, "GET /secrets/Uncounted/ 404": 1 },
    });
    await fetch(`${emulator.settings.controlUrl}/reset`, { method: "POST" });
    expect(tally.counters()).toEqual({ requests: 0, challenges: 0, peakInFlight: 0, answers: {} });
  });
});
