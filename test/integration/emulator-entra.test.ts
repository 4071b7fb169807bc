import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { ClientSecretCredential, type TokenCredential } from "@azure/identity";
import { SecretClient } from "@azure/keyvault-secrets";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startEmulator, type Emulator } from "../../src/emulator/emulator.ts";

let dir: string;
let emulator: Emulator;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "akv-emulator-"));
  emulator = await startEmulator({ dir, ports: { entra: 0, vault: 0, kubernetes: 0 } });
  tls.setDefaultCACertificates([...tls.getCACertificates(), await readFile(join(dir, "ca.pem"), "utf8")]);
  emulator.vaults.named("demo-vault").setSecret("DemoSecret", "MyExampleSecret");
});

afterAll(async () => {
  await emulator.stop();
  await rm(dir, { recursive: true, force: true });
});

const audience = (): string => `https://${emulator.settings.vaultSuffix}`;
const demoApp = () => ({ tenantId: emulator.settings.tenantId, ...emulator.settings.demo });

function credential(as: Partial<ReturnType<typeof demoApp>> = {}): ClientSecretCredential {
  const { tenantId, clientId, clientSecret } = { ...demoApp(), ...as };
  return new ClientSecretCredential(tenantId, clientId, clientSecret, {
    authorityHost: emulator.settings.entraUrl,
    disableInstanceDiscovery: true,
    retryOptions: { maxRetries: 0 },
  });
}

function read(with_: TokenCredential): Promise<string | undefined> {
  const url = `https://demo-vault.${emulator.settings.vaultSuffix}`;
  const client = new SecretClient(url, with_, { retryOptions: { maxRetries: 0 } });
  return client.getSecret("DemoSecret").then(({ value }) => value);
}

/** A credential that has this token already. */
function holding(token: Promise<string>): TokenCredential {
  return { getToken: async () => ({ token: await token, expiresOnTimestamp: Date.now() + 3_600_000 }) };
}

describe("the token service", () => {
  test("gives an application a token that its vault takes", async () => {
    expect(await read(credential())).toBe("MyExampleSecret");
  });

  test("issues tokens for about an hour that name the application and its tenant", async () => {
    const { token, expiresOnTimestamp } = await credential().getToken(`${audience()}/.default`);
    expect(expiresOnTimestamp - Date.now()).toBeGreaterThan(3_500_000);
    const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
    const { clientId: appid, objectId: oid, tenantId: tid } = demoApp();
    expect(claims).toMatchObject({ aud: audience(), appid, oid, tid, iss: `https://sts.windows.net/${tid}/` });
  });

  test("counts the tokens that it gave", async () => {
    emulator.entra.tally.reset();
    await credential().getToken(`${audience()}/.default`);
    const { answers } = emulator.entra.tally.counters();
    expect(answers[`POST /${emulator.settings.tenantId}/oauth2/v2.0/token 200`]).toBe(1);
  });

  test.each([
    { what: "a wrong secret", as: { clientSecret: "wrong" }, code: "AADSTS7000215" },
    { what: "an unknown application", as: { clientId: randomUUID() }, code: "AADSTS700016" },
  ])("refuses $what with $code", async ({ as, code }) => {
    await expect(credential(as).getToken(`${audience()}/.default`)).rejects.toThrow(code);
  });

  test("refuses an unknown tenant with AADSTS90002, which the SDK reports as unresolved endpoints", async () => {
    const tenantId = randomUUID();
    await expect(credential({ tenantId }).getToken(`${audience()}/.default`)).rejects.toThrow("endpoints_resolution");
    const { entraUrl } = emulator.settings;
    for (const response of [
      await fetch(`${entraUrl}/${tenantId}/v2.0/.well-known/openid-configuration`),
      await fetch(`${entraUrl}/${tenantId}/oauth2/v2.0/token`, { method: "POST" }),
    ]) {
      expect(response.status).toBe(400);
      expect(await response.text()).toContain(`AADSTS90002: Tenant '${tenantId}' not found`);
    }
  });

  test("refuses a resource that it does not know with AADSTS500011", async () => {
    await expect(credential().getToken("https://unknown.example/.default")).rejects.toThrow("AADSTS500011");
  });

  test("takes a rotated client secret, and the old one no longer", async () => {
    const app = { ...demoApp(), clientId: randomUUID(), clientSecret: "old" };
    emulator.entra.register(app);
    await credential(app).getToken(`${audience()}/.default`);
    emulator.entra.register({ ...app, clientSecret: "new" });
    await expect(credential(app).getToken(`${audience()}/.default`)).rejects.toThrow("AADSTS7000215");
    await credential({ ...app, clientSecret: "new" }).getToken(`${audience()}/.default`);
  });

  test.each([
    { what: "without a scope", form: { grant_type: "client_credentials", client_id: "a" }, code: 900144 },
    { what: "of another grant", form: { grant_type: "password", client_id: "a", scope: "s" }, code: 70003 },
    {
      what: "with a scope that is no URL",
      form: { grant_type: "client_credentials", client_id: "a", scope: "s" },
      code: 70011,
    },
    {
      what: "with a scope that lacks /.default",
      form: { grant_type: "client_credentials", client_id: "a", scope: "https://vault.azure.net" },
      code: 1002012,
    },
  ])("refuses a request $what with AADSTS$code", async ({ form, code }) => {
    const { entraUrl, tenantId } = emulator.settings;
    const body = new URLSearchParams(form);
    const response = await fetch(`${entraUrl}/${tenantId}/oauth2/v2.0/token`, { method: "POST", body });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error_codes: [code] });
  });

  test("refuses an application that sends no secret with AADSTS7000218", async () => {
    const { entraUrl, tenantId, demo } = emulator.settings;
    const scope = `${audience()}/.default`;
    const body = new URLSearchParams({ grant_type: "client_credentials", client_id: demo.clientId, scope });
    const response = await fetch(`${entraUrl}/${tenantId}/oauth2/v2.0/token`, { method: "POST", body });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error: "invalid_client", error_codes: [7000218] });
  });
});

describe("a vault refuses with 401", () => {
  test("a token for another audience", async () => {
    const { token } = await credential().getToken("https://vault.azure.net/.default");
    await expect(read(holding(Promise.resolve(token)))).rejects.toMatchObject({
      statusCode: 401,
      message: expect.stringContaining("AKV10022: Invalid audience") as string,
    });
  });

  test("a token of another tenant", async () => {
    const app = { ...demoApp(), tenantId: randomUUID() };
    emulator.entra.register(app);
    await expect(read(holding(emulator.entra.issue({ app, resource: audience() })))).rejects.toMatchObject({
      statusCode: 401,
      message: expect.stringContaining("AKV10032: Invalid issuer") as string,
    });
  });

  test("a token that has expired", async () => {
    const token = emulator.entra.issue({ app: demoApp(), resource: audience() }, -60);
    await expect(read(holding(token))).rejects.toMatchObject({
      statusCode: 401,
      message: expect.stringContaining("[TokenExpired]") as string,
    });
  });

  test("a token that another key signed", async () => {
    const { serviceAccountKey, settings } = emulator;
    const iss = `https://sts.windows.net/${settings.tenantId}/`;
    const token = serviceAccountKey.sign({ aud: audience(), iss, exp: Math.floor(Date.now() / 1000) + 60 });
    await expect(read(holding(token))).rejects.toMatchObject({ statusCode: 401 });
  });

  test("no token at all, and says where to get one", async () => {
    const { vaultSuffix, entraUrl, tenantId } = emulator.settings;
    const response = await fetch(`https://demo-vault.${vaultSuffix}/secrets/DemoSecret?api-version=7.4`);
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe(
      `Bearer authorization="${entraUrl}/${tenantId}", resource="${audience()}"`,
    );
  });
});
