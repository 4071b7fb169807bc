import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { ClientAssertionCredential, ClientSecretCredential, type TokenCredential } from "@azure/identity";
import { SecretClient } from "@azure/keyvault-secrets";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEmulator, type Emulator } from "../../src/emulator/emulator.ts";

let dir: string;
let emulator: Emulator;
const app = { tenantId: "adfs", clientId: randomUUID(), clientSecret: "secret", objectId: randomUUID() };
const subject = "system:serviceaccount:default:shop";
const issuer = "https://kubernetes.default.svc.cluster.local";

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "akv-emulator-"));
  emulator = await startEmulator({ dir, ports: { entra: 0, vault: 0, kubernetes: 0 } });
  tls.setDefaultCACertificates([...tls.getCACertificates(), await readFile(join(dir, "ca.pem"), "utf8")]);
  emulator.entra.register(app);
  emulator.entra.federate({ ...app, issuer, subject, audience: "api://AzureADTokenExchange" });
  const vault = emulator.vaults.create("third-vault", "adfs");
  vault.allow(app.objectId, { secrets: ["get"] });
  vault.setSecret("StackSecret", "MyExampleSecret");
});

afterAll(async () => {
  await emulator.stop();
  await rm(dir, { recursive: true, force: true });
});

const audience = (): string => `https://${emulator.settings.vaultSuffix}`;
const options = () => ({
  authorityHost: emulator.settings.entraUrl,
  disableInstanceDiscovery: true,
  retryOptions: { maxRetries: 0 },
});

const bySecret = (clientSecret = app.clientSecret, clientId = app.clientId): TokenCredential =>
  new ClientSecretCredential("adfs", clientId, clientSecret, options());

function byAssertion(sub = subject): TokenCredential {
  const exp = Math.floor(Date.now() / 1000) + 600;
  const token = emulator.serviceAccountKey.sign({ iss: issuer, sub, aud: "api://AzureADTokenExchange", exp });
  return new ClientAssertionCredential("adfs", app.clientId, () => token, options());
}

async function read(credential: TokenCredential, vault = "third-vault"): Promise<string | undefined> {
  const url = `https://${vault}.${emulator.settings.vaultSuffix}`;
  const client = new SecretClient(url, credential, { retryOptions: { maxRetries: 0 } });
  return (await client.getSecret("StackSecret")).value;
}

test.each([
  { by: "a client secret", credential: bySecret },
  { by: "a service account's token", credential: byAssertion },
])("AD FS gives an application a token by $by that a vault of its own takes", async ({ credential }) => {
  expect(await read(credential())).toBe("MyExampleSecret");
});

test("its tokens name AD FS and are signed with the key that it publishes", async () => {
  const { token } = (await bySecret().getToken(`${audience()}/.default`)) ?? { token: "" };
  const { entraUrl } = emulator.settings;
  const configuration = await fetch(`${entraUrl}/adfs/.well-known/openid-configuration`);
  const { jwks_uri, token_endpoint } = (await configuration.json()) as Record<string, string>;
  expect(token_endpoint).toBe(`${entraUrl}/adfs/oauth2/token/`);
  const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(jwks_uri ?? "")), {
    issuer: `${entraUrl}/adfs`,
    audience: audience(),
  });
  expect(payload).toMatchObject({ appid: app.clientId, oid: app.objectId });
});

test("a vault of AD FS sends callers without a token there", async () => {
  const response = await fetch(`https://third-vault.${emulator.settings.vaultSuffix}/secrets/a?api-version=7.4`);
  expect(response.headers.get("www-authenticate")).toBe(
    `Bearer authorization="${emulator.settings.entraUrl}/adfs", resource="${audience()}"`,
  );
});

test("tokens of Entra and of AD FS are not taken by the other's vaults", async () => {
  const { tenantId, demo } = emulator.settings;
  const entra = await emulator.entra.issue({ app: { tenantId, ...demo }, resource: audience() });
  const adfs = await emulator.entra.issue({ app, resource: audience(), authority: emulator.settings.entraUrl });
  const status = async (vault: string, token: string): Promise<number> => {
    const url = `https://${vault}.${emulator.settings.vaultSuffix}/secrets/StackSecret?api-version=7.4`;
    return (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status;
  };
  expect([await status("third-vault", adfs), await status("demo-vault", entra)]).toEqual([200, 404]);
  expect([await status("third-vault", entra), await status("demo-vault", adfs)]).toEqual([401, 401]);
  expect(() => emulator.entra.issue({ app, resource: audience() })).toThrow("names the authority");
});

test.each([
  { what: "a wrong secret", credential: () => bySecret("wrong"), says: "MSIS9622: Client authentication failed" },
  { what: "an unknown client", credential: () => bySecret("secret", randomUUID()), says: "MSIS9607: The 'client_id'" },
  { what: "an assertion of another", credential: () => byAssertion("other"), says: "MSIS9622: Client authentication" },
])("AD FS refuses $what in its own words", async ({ credential, says }) => {
  await expect(credential().getToken(`${audience()}/.default`)).rejects.toThrow(says);
});

test("AD FS refuses a resource that it does not know in its own words", async () => {
  await expect(bySecret().getToken("https://unknown.example/.default")).rejects.toThrow("MSIS9602");
});

test.each(["/adfs/v2.0/.well-known/openid-configuration", "/adfs/discovery/v2.0/keys"])(
  "AD FS has no %s, as Entra has",
  async (path) => {
    expect((await fetch(emulator.settings.entraUrl + path)).status).toBe(404);
  },
);
