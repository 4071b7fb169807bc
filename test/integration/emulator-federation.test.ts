import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { ClientAssertionCredential, ClientSecretCredential } from "@azure/identity";
import { SecretClient } from "@azure/keyvault-secrets";
import type { JWTPayload } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startEmulator, type Emulator } from "../../src/emulator/emulator.ts";
import { openSigningKey, type SigningKey } from "../../src/emulator/signing-key.ts";

let dir: string;
let emulator: Emulator;
let strange: SigningKey;
let app: { tenantId: string; clientId: string; objectId: string };

const cluster = "https://kubernetes.default.svc.cluster.local";
const match = {
  issuer: cluster,
  subject: "system:serviceaccount:default:shop",
  audience: "api://AzureADTokenExchange",
};
const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "akv-emulator-"));
  emulator = await startEmulator({ dir, ports: { entra: 0, vault: 0, kubernetes: 0 } });
  strange = await openSigningKey(join(dir, "strange-key.json"));
  tls.setDefaultCACertificates([...tls.getCACertificates(), await readFile(join(dir, "ca.pem"), "utf8")]);
  emulator.vaults.named("demo-vault").setSecret("DemoSecret", "MyExampleSecret");
});

beforeEach(() => {
  app = { tenantId: emulator.settings.tenantId, clientId: randomUUID(), objectId: randomUUID() };
  emulator.entra.register(app);
  emulator.entra.federate({ ...app, ...match });
});

afterAll(async () => {
  await emulator.stop();
  await rm(dir, { recursive: true, force: true });
});

const now = (): number => Math.floor(Date.now() / 1000);
const scope = (): string => `https://${emulator.settings.vaultSuffix}/.default`;
const options = () => ({
  authorityHost: emulator.settings.entraUrl,
  disableInstanceDiscovery: true,
  retryOptions: { maxRetries: 0 },
});

/** A service account's token; undefined takes a claim away. */
function assertion(claims: JWTPayload = {}, key: SigningKey = emulator.serviceAccountKey): Promise<string> {
  const { issuer: iss, subject: sub, audience } = match;
  const all: JWTPayload = { iss, sub, aud: [audience], iat: now(), nbf: now(), exp: now() + 600, ...claims };
  return key.sign(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));
}

function credential(token: Promise<string>, { tenantId, clientId } = app): ClientAssertionCredential {
  return new ClientAssertionCredential(tenantId, clientId, () => token, options());
}

async function post(form: Record<string, string>): Promise<{ status: number; body: unknown }> {
  const body = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: app.clientId,
    scope: scope(),
    ...form,
  });
  const { entraUrl, tenantId } = emulator.settings;
  const response = await fetch(`${entraUrl}/${tenantId}/oauth2/v2.0/token`, { method: "POST", body });
  return { status: response.status, body: await response.json() };
}

describe("a service account's token", () => {
  test("gets the application that it is federated with a token that its vault takes", async () => {
    emulator.vaults.named("demo-vault").allow(app.objectId, { secrets: ["get"] });
    const url = `https://demo-vault.${emulator.settings.vaultSuffix}`;
    const client = new SecretClient(url, credential(assertion()), { retryOptions: { maxRetries: 0 } });
    expect((await client.getSecret("DemoSecret")).value).toBe("MyExampleSecret");
  });

  test("may have its audience as a text", async () => {
    await credential(assertion({ aud: match.audience })).getToken(scope());
  });

  test("is taken by the tenant's domain as well as by its id", async () => {
    const tenant = { id: randomUUID(), domain: `${randomUUID()}.onmicrosoft.example` };
    const there = { ...app, tenantId: tenant.id };
    emulator.entra.addTenant(tenant);
    emulator.entra.register(there);
    emulator.entra.federate({ ...there, ...match });
    await credential(assertion(), { ...there, tenantId: tenant.domain }).getToken(scope());
  });

  test("and a client secret each prove an application that has both", async () => {
    emulator.entra.register({ ...app, clientSecret: "secret" });
    await credential(assertion()).getToken(scope());
    await new ClientSecretCredential(app.tenantId, app.clientId, "secret", options()).getToken(scope());
  });

  test("is taken from each issuer, audience and subject that the application has a credential for", async () => {
    const other = { issuer: "https://other.example/", subject: "other", audience: "api://other" };
    emulator.entra.trustIssuer(other.issuer, { keys: [strange.publicJwk] });
    emulator.entra.federate({ ...app, ...other });
    await credential(assertion()).getToken(scope());
    const claims = { iss: other.issuer, sub: other.subject, aud: other.audience };
    await credential(assertion(claims, strange)).getToken(scope());
    await expect(credential(assertion({ ...claims, aud: match.audience }, strange)).getToken(scope())).rejects.toThrow(
      "AADSTS700212",
    );
  });

  test("of an issuer whose keys were replaced is refused, a new one is taken", async () => {
    const [iss, sub] = ["https://rotating.example", "s"];
    emulator.entra.trustIssuer(iss, { keys: [emulator.serviceAccountKey.publicJwk] });
    emulator.entra.federate({ ...app, ...match, issuer: iss, subject: sub });
    await credential(assertion({ iss, sub })).getToken(scope());
    emulator.entra.trustIssuer(iss, { keys: [strange.publicJwk] });
    await expect(credential(assertion({ iss, sub })).getToken(scope())).rejects.toThrow("AADSTS7000272");
    await credential(assertion({ iss, sub }, strange)).getToken(scope());
  });

  test("is taken no longer when the credential of its subject is for another audience", async () => {
    emulator.entra.federate({ ...app, ...match, audience: "api://other" });
    await expect(credential(assertion()).getToken(scope())).rejects.toThrow("AADSTS700212");
  });
});

describe("an assertion is refused", () => {
  test.each([
    {
      what: "of another issuer",
      claims: { iss: "https://other" },
      code: 700211,
      says: "assertion issuer 'https://other'",
    },
    { what: "for another audience", claims: { aud: ["a", "b"] }, code: 700212, says: "assertion audience 'a,b'" },
    { what: "of another subject", claims: { sub: "other" }, code: 700213, says: "assertion subject 'other'" },
    {
      what: "of a subject that differs in case",
      claims: { sub: "system:serviceaccount:default:Shop" },
      code: 700213,
      says: "Check your federated identity credential",
    },
    {
      what: "that has expired",
      claims: { nbf: 0, exp: 60 },
      code: 700024,
      says: "assertion 1970-01-01T00:01:00.0000000Z",
    },
    { what: "that is not valid yet", claims: { nbf: 4e9, exp: 5e9 }, code: 700024, says: "valid time range" },
  ])("$what, with AADSTS$code", async ({ claims, code, says }) => {
    const { status, body } = await post({
      client_assertion_type: jwtBearer,
      client_assertion: await assertion(claims),
    });
    expect([status, body]).toEqual([
      401,
      expect.objectContaining({
        error: "invalid_client",
        error_codes: [code],
        error_description: expect.stringContaining(says) as string,
      }),
    ]);
    await expect(credential(assertion(claims)).getToken(scope())).rejects.toThrow(`AADSTS${code}`);
  });

  test("that a key signed which its issuer does not have, with AADSTS7000272", async () => {
    await expect(credential(assertion({}, strange)).getToken(scope())).rejects.toThrow("AADSTS7000272");
  });

  test("that a key signed which only bears the issuer's name for one, with AADSTS700027", async () => {
    const [, claims, signature] = (await assertion({}, strange)).split(".");
    const [header] = (await assertion()).split(".");
    const forged = [header, claims, signature].join(".");
    await expect(credential(Promise.resolve(forged)).getToken(scope())).rejects.toThrow("AADSTS700027:");
  });

  test("whose claims were changed after it was signed, with AADSTS700027", async () => {
    const [header, , signature] = (await assertion({ sub: "other" })).split(".");
    const [, claims] = (await assertion()).split(".");
    const forged = [header, claims, signature].join(".");
    await expect(credential(Promise.resolve(forged)).getToken(scope())).rejects.toThrow("AADSTS700027:");
  });

  test.each([
    { header: { alg: "none" }, code: 7000272 },
    { header: { alg: "none", kid: "k" }, code: 5002738 },
    { header: { alg: "HS256", kid: "k" }, code: 5002738 },
  ])("whose header is $header, with AADSTS$code", async ({ header, code }) => {
    const [, claims] = (await assertion()).split(".");
    const unsigned = [Buffer.from(JSON.stringify(header)).toString("base64url"), claims, "AAAA"].join(".");
    const { body } = await post({ client_assertion_type: jwtBearer, client_assertion: unsigned });
    expect(body).toMatchObject({ error_codes: [code] });
  });

  test.each([
    { form: { client_assertion_type: jwtBearer, client_assertion: "not-a-token" }, code: 50027 },
    { form: { client_assertion_type: jwtBearer, client_assertion: "a.b.c" }, code: 50027 },
    { form: { client_assertion_type: "urn:other", client_assertion: "a.b.c" }, code: 9002313 },
    { form: { client_assertion: "a.b.c" }, code: 900144 },
    { form: { client_assertion_type: jwtBearer }, code: 7000218 },
    { form: { client_secret: "secret" }, code: 7000215 },
  ])("in the form $form, with AADSTS$code", async ({ form, code }) => {
    expect((await post({ ...form })).body).toMatchObject({ error_codes: [code] });
  });

  test.each([
    { claim: "iss", code: 90014 },
    { claim: "sub", code: 90014 },
    { claim: "aud", code: 90014 },
    { claim: "exp", code: 50027 },
  ])("that lacks $claim, with AADSTS$code", async ({ claim, code }) => {
    const client_assertion = await assertion({ [claim]: undefined });
    const { body } = await post({ client_assertion_type: jwtBearer, client_assertion });
    expect(body).toMatchObject({ error_codes: [code] });
  });

  test("of an issuer whose keys nobody serves, with AADSTS501661", async () => {
    const issuer = "https://unreachable.example";
    emulator.entra.federate({ ...app, ...match, issuer });
    await expect(credential(assertion({ iss: issuer })).getToken(scope())).rejects.toThrow("AADSTS501661");
  });

  test("for an application that does not exist, with AADSTS700016", async () => {
    const unknown = { ...app, clientId: randomUUID() };
    await expect(credential(assertion(), unknown).getToken(scope())).rejects.toThrow("AADSTS700016");
  });

  test("for an application without credentials, with AADSTS700211", async () => {
    const bare = { ...app, clientId: randomUUID() };
    emulator.entra.register(bare);
    await expect(credential(assertion(), bare).getToken(scope())).rejects.toThrow("AADSTS700211");
  });
});

test("an application that is not registered cannot be federated", () => {
  const clientId = randomUUID();
  expect(() => {
    emulator.entra.federate({ ...app, clientId, ...match });
  }).toThrow(`no application ${clientId} is registered`);
});
