import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Connection } from "../../src/emulator/connection.ts";
import { startEmulator, type Emulator } from "../../src/emulator/emulator.ts";
import { publicCloud } from "../../src/emulator/public-cloud.ts";

let dir: string;
let emulator: Emulator;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "public-cloud-"));
  emulator = await startEmulator({ dir, ports: { entra: 0, vault: 0, kubernetes: 0 } });
});
afterAll(async () => {
  await emulator.stop();
  await rm(dir, { recursive: true });
});

/** Port 443 may be forbidden here, so the handler is asked without a listener. */
async function ask(url: string, init?: RequestInit): Promise<Response> {
  const { entra, vaults } = emulator;
  return publicCloud(entra.handler, vaults.handler)(new Request(url, init), {} as Connection);
}

test("a vault of the public cloud sends its callers to the public login", async () => {
  const { tenantId } = emulator.settings;
  const response = await ask("https://demo-vault.vault.azure.net/secrets/a/?api-version=7.4");
  expect([response.status, response.headers.get("www-authenticate")]).toEqual([
    401,
    `Bearer authorization="https://login.microsoftonline.com/${tenantId}", resource="https://vault.azure.net"`,
  ]);
});

test("what its login issues is taken by its vaults", async () => {
  const { tenantId, demo } = emulator.settings;
  emulator.vaults.named("demo-vault").setSecret("DemoSecret", "MyExampleSecret");
  const body = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: demo.clientId,
    client_secret: demo.clientSecret,
    scope: "https://vault.azure.net/.default",
  });
  const login = await ask(`https://login.microsoftonline.com/${tenantId}/oauth2/v2.0/token`, { method: "POST", body });
  const { access_token: token } = (await login.json()) as { access_token: string };
  const secret = await ask("https://demo-vault.vault.azure.net/secrets/DemoSecret/?api-version=7.4", {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(await secret.json()).toMatchObject({ value: "MyExampleSecret" });
});

test("its login tells which authorities are one cloud", async () => {
  const endpoint = "https://login.microsoftonline.com/t/oauth2/v2.0/authorize";
  const url = `https://login.microsoftonline.com/common/discovery/instance?authorization_endpoint=${endpoint}`;
  expect(await (await ask(url)).json()).toMatchObject({
    tenant_discovery_endpoint: "https://login.microsoftonline.com/t/v2.0/.well-known/openid-configuration",
    metadata: [{ aliases: ["login.microsoftonline.com"] }],
  });
  expect((await ask("https://login.microsoftonline.com/common/discovery/instance")).status).toBe(400);
});

test("another host is none of the cloud's", async () => {
  expect((await ask("https://example.org/")).status).toBe(421);
});
