import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { ManagedIdentityCredential, type TokenCredential } from "@azure/identity";
import { SecretClient } from "@azure/keyvault-secrets";
import { decodeJwt } from "jose";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { startEmulator, type Emulator } from "../../src/emulator/emulator.ts";
import { createImds, type Imds, type VmIdentity } from "../../src/emulator/imds.ts";
import type { Connection } from "../../src/emulator/connection.ts";

let dir: string;
let emulator: Emulator;
let system: VmIdentity;
let user: VmIdentity;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "akv-emulator-"));
  emulator = await startEmulator({ dir, ports: { entra: 0, vault: 0, kubernetes: 0 } });
  tls.setDefaultCACertificates([...tls.getCACertificates(), await readFile(join(dir, "ca.pem"), "utf8")]);
  system = { ...identity(), system: true };
  user = identity();
  const vault = emulator.vaults.named("demo-vault");
  vault.setSecret("DemoSecret", "MyExampleSecret");
  for (const known of [system, user]) {
    emulator.imds.assign(known);
    vault.allow(known.objectId, { secrets: ["get"] });
  }
});

beforeEach(() => {
  vi.stubEnv("AZURE_POD_IDENTITY_AUTHORITY_HOST", emulator.settings.imdsUrl);
  for (const part of [emulator.imds, emulator.nmi]) {
    part.behave();
    part.tally.reset();
  }
});

afterEach(() => {
  vi.unstubAllEnvs();
});

afterAll(async () => {
  await emulator.stop();
  await rm(dir, { recursive: true, force: true });
});

function identity(): VmIdentity {
  return { tenantId: emulator.settings.tenantId, clientId: randomUUID(), objectId: randomUUID() };
}

const resource = (): string => `https://${emulator.settings.vaultSuffix}`;
const imdsPath = "/metadata/identity/oauth2/token";

function read(credential: TokenCredential): Promise<string | undefined> {
  const url = `https://demo-vault.${emulator.settings.vaultSuffix}`;
  const client = new SecretClient(url, credential, { retryOptions: { maxRetries: 0 } });
  return client.getSecret("DemoSecret").then(({ value }) => value);
}

async function tokenOf(credential: TokenCredential): Promise<string> {
  return (await credential.getToken(`${resource()}/.default`))?.token ?? "";
}

/** Asks the metadata service of a VM with just these identities. */
async function ask(query: string, identities: readonly VmIdentity[], headers = { metadata: "true" }): Promise<unknown> {
  const imds: Imds = createImds(emulator.entra.issue, { rttMs: 0 });
  for (const known of identities) imds.assign(known);
  const request = new Request(`http://169.254.169.254${imdsPath}?${query}`, { headers });
  const response = await imds.handler(request, {} as Connection);
  return { status: response.status, ...((await response.json()) as object) };
}

const query = (more = ""): string => `api-version=2018-02-01&resource=${resource()}${more}`;

describe("the metadata service", () => {
  test("gives the SDK tokens of the VM's own identity, which vaults take", async () => {
    const credential = new ManagedIdentityCredential();
    expect(await read(credential)).toBe("MyExampleSecret");
    expect(decodeJwt(await tokenOf(credential))).toMatchObject({ oid: system.objectId, appid: system.clientId });
    expect(emulator.imds.tally.counters().answers).toEqual({ [`GET ${imdsPath}/ 200`]: 1 });
  });

  test("gives the SDK tokens of the identity that it names, which vaults take", async () => {
    const credential = new ManagedIdentityCredential({ clientId: user.clientId });
    expect(await read(credential)).toBe("MyExampleSecret");
    expect(decodeJwt(await tokenOf(credential))).toMatchObject({ oid: user.objectId });
  });

  test("tells the SDK that it does not know an identity", async () => {
    const credential = new ManagedIdentityCredential({ clientId: randomUUID() });
    await expect(tokenOf(credential)).rejects.toThrow("Identity not found");
  });

  test("answers with texts, of a token that is good for a day", async () => {
    const now = Math.floor(Date.now() / 1000);
    const answer = (await ask(query(), [user])) as Record<string, string>;
    expect(answer).toEqual({
      status: 200,
      access_token: expect.any(String) as string,
      client_id: user.clientId,
      expires_in: "86399",
      expires_on: expect.stringMatching(/^\d+$/) as string,
      ext_expires_in: "86399",
      not_before: expect.stringMatching(/^\d+$/) as string,
      resource: resource(),
      token_type: "Bearer",
    });
    const { exp, aud } = decodeJwt(answer["access_token"] ?? "");
    expect([Math.abs(Number(answer["expires_on"]) - (exp ?? 0)) <= 1, aud]).toEqual([true, resource()]);
    expect(Number(answer["expires_on"])).toBeGreaterThanOrEqual(now + 86_399);
  });

  const [one, two, own] = [randomUUID(), randomUUID(), randomUUID()];
  const known = (clientId: string, more = {}) => ({ ...identity(), clientId, ...more });
  test.each([
    { has: [one], asks: "", gets: one },
    { has: [one, own], asks: "", gets: own },
    { has: [one, two, own], asks: "", gets: own },
    { has: [one, two], asks: two, gets: two },
    { has: [one, two], asks: one.toUpperCase(), gets: one },
    { has: [own, one], asks: one, gets: one },
    { has: [own], asks: own, gets: own },
  ])("of $has chooses for '$asks' $gets", async ({ has, asks, gets }) => {
    const identities = has.map((id) => known(id, { system: id === own }));
    const named = asks === "" ? "" : `&client_id=${asks}`;
    expect(await ask(query(named), identities)).toMatchObject({ status: 200, client_id: gets });
  });

  test("knows an identity by its object id too", async () => {
    expect(await ask(query(`&object_id=${user.objectId}`), [user, system])).toMatchObject({ client_id: user.clientId });
  });

  test("has one system-assigned identity and one identity of a client id: the last that was given", async () => {
    const second = known(two, { system: true });
    expect(await ask(query(), [known(own, { system: true }), second])).toMatchObject({ client_id: two });
    expect(await ask(query(`&client_id=${own}`), [known(own, { system: true }), second])).toMatchObject({
      status: 400,
    });
    const moved = known(one);
    const { access_token } = (await ask(query(), [known(one), moved])) as Record<string, string>;
    expect(decodeJwt(access_token ?? "").sub).toBe(moved.objectId);
  });

  const multiple =
    "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request";
  test.each([
    { when: "the VM has no identity", count: 0, more: "", error: "invalid_request", says: "Identity not found" },
    { when: "nothing says which of two is meant", count: 2, more: "", error: "invalid_request", says: multiple },
    { when: "it has another", count: 1, more: "&client_id=x", error: "invalid_request", says: "Identity not found" },
    {
      when: "it is named by ARM id",
      count: 1,
      more: "&msi_res_id=/x",
      error: "invalid_request",
      says: "Identity not found",
    },
  ])("refuses with 400 when $when", async ({ count, more, error, says }) => {
    const identities = Array.from({ length: count }, identity);
    expect(await ask(query(more), identities)).toEqual({ status: 400, error, error_description: says });
  });

  test.each([
    { query: "resource=https://vault.azure.net", error: "invalid_request", says: "'api-version' is missing" },
    { query: "api-version=2018-02-01", error: "invalid_request", says: "'resource' is missing" },
    { query: "api-version=2018-02-01&resource=https://unknown", error: "invalid_resource", says: "AADSTS500011" },
    { query: "api-version=2018-02-01&resource=vault", error: "invalid_resource", says: "AADSTS500011" },
  ])("refuses $query with 400", async ({ query: asked, error, says }) => {
    const error_description = expect.stringContaining(says) as string;
    expect(await ask(asked, [user])).toEqual({ status: 400, error, error_description });
  });

  test.each(["", "True", "false"])("refuses requests whose header Metadata is '%s'", async (metadata) => {
    expect(await ask(query(), [user], { metadata })).toEqual({
      status: 400,
      error: "bad_request_102",
      error_description: "Required metadata header not specified",
    });
  });

  test.each([404, 410, 429, 500, 503])("answers %i when it is told to, and counts it", async (status) => {
    emulator.imds.misbehave({ kind: "refuse", status, requests: 1, retryAfterS: 1 });
    const url = `${emulator.settings.imdsUrl}${imdsPath}?${query()}`;
    const refused = await fetch(url, { headers: { metadata: "true" } });
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([status, "1"]);
    expect((await fetch(url, { headers: { metadata: "true" } })).status).toBe(200);
    expect(emulator.imds.tally.counters().answers).toEqual({
      [`GET ${imdsPath} ${status}`]: 1,
      [`GET ${imdsPath} 200`]: 1,
    });
  });
});

describe("NMI", () => {
  const pod = { namespace: "default", podName: "web" };
  const headers = { podns: "default", podname: "web" };

  async function nmi(asked: string, sent: Record<string, string> = headers): Promise<{ status: number; text: string }> {
    const response = await fetch(`${emulator.settings.nmiUrl}/host/token/?resource=${asked}`, { headers: sent });
    return { status: response.status, text: await response.text() };
  }

  beforeEach(() => {
    emulator.nmi.bind({ ...pod, ...user });
  });

  test("gives the node a token of the pod's identity, which vaults take", async () => {
    const { status, text } = await nmi(resource());
    const answer = JSON.parse(text) as { token: Record<string, string>; clientid: string };
    expect([status, answer]).toEqual([
      200,
      {
        clientid: user.clientId,
        token: {
          access_token: expect.any(String) as string,
          refresh_token: "",
          expires_in: "86399",
          expires_on: expect.stringMatching(/^\d+$/) as string,
          not_before: expect.stringMatching(/^\d+$/) as string,
          resource: resource(),
          token_type: "Bearer",
        },
      },
    ]);
    const token = answer.token["access_token"] ?? "";
    expect(await read({ getToken: () => Promise.resolve({ token, expiresOnTimestamp: Date.now() + 1e6 }) })).toBe(
      "MyExampleSecret",
    );
    expect(emulator.nmi.tally.counters().answers).toEqual({ "GET /host/token/ 200": 1 });
  });

  test("gives a pod the identity that it was bound to last", async () => {
    emulator.nmi.bind({ ...pod, ...system });
    expect(JSON.parse((await nmi(resource())).text)).toMatchObject({ clientid: system.clientId });
  });

  test.each([
    { what: "a pod without binding", sent: { podns: "default", podname: "other" }, status: 404, says: "default/other" },
    { what: "a pod of another namespace", sent: { podns: "other", podname: "web" }, status: 404, says: "other/web" },
    { what: "a request without pod", sent: { podns: "default" }, status: 400, says: "missing 'podname' and 'podns'" },
    { what: "a request without namespace", sent: { podname: "web" }, status: 400, says: "missing 'podname' and" },
  ])("refuses $what with $status and a text", async ({ sent, status, says }) => {
    expect(await nmi(resource(), sent as Record<string, string>)).toEqual({
      status,
      text: expect.stringContaining(says) as string,
    });
  });

  test("knows no resource whose name was percent-encoded", async () => {
    expect((await nmi(encodeURIComponent(resource()))).status).toBe(403);
    expect((await nmi("https://unknown.example")).status).toBe(403);
  });

  test("answers with a fault when it is told to", async () => {
    emulator.nmi.misbehave({ kind: "refuse", status: 500, requests: 1 });
    expect((await nmi(resource())).status).toBe(500);
    emulator.nmi.misbehave({ kind: "drop", requests: 1 });
    await expect(nmi(resource())).rejects.toThrow("fetch failed");
    expect((await nmi(resource())).status).toBe(200);
  });
});
