import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { ClientAssertionCredential, ClientSecretCredential } from "@azure/identity";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startEmulator, type Emulator } from "../../src/emulator/emulator.ts";
import { openSigningKey, type SigningKey } from "../../src/emulator/signing-key.ts";

let dir: string;
let emulator: Emulator;
let issuerKey: SigningKey;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "akv-emulator-"));
  emulator = await startEmulator({ dir, ports: { entra: 0, vault: 0, kubernetes: 0 } });
  issuerKey = await openSigningKey(join(dir, "issuer-key.json"));
  tls.setDefaultCACertificates([...tls.getCACertificates(), await readFile(join(dir, "ca.pem"), "utf8")]);
});

afterAll(async () => {
  await emulator.stop();
  await rm(dir, { recursive: true, force: true });
});

async function control(method: string, path: string, json?: unknown): Promise<{ status: number; text: string }> {
  const body = json === undefined ? {} : { body: typeof json === "string" ? json : JSON.stringify(json) };
  const response = await fetch(emulator.settings.controlUrl + path, { method, ...body });
  return { status: response.status, text: await response.text() };
}

const done = { status: 204, text: "" };
const identity = () => ({ tenantId: emulator.settings.tenantId, clientId: randomUUID(), objectId: randomUUID() });
const resource = (): string => `https://${emulator.settings.vaultSuffix}`;
const options = () => ({
  authorityHost: emulator.settings.entraUrl,
  disableInstanceDiscovery: true,
  retryOptions: { maxRetries: 0 },
});

/** What demo-vault answers to a token. */
async function vaultAnswers(token: string, path: string): Promise<number> {
  const url = `https://demo-vault.${emulator.settings.vaultSuffix}/${path}?api-version=7.4`;
  return (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status;
}

describe("another process", () => {
  test("registers an application with a secret and gives it rights in a vault", async () => {
    const app = { ...identity(), clientSecret: "secret" };
    expect(await control("PUT", "/entra/apps", app)).toEqual(done);
    expect(await control("PUT", "/vaults/demo-vault/secrets/Given", "value")).toEqual(done);
    expect(await control("PUT", `/vaults/demo-vault/access/${app.objectId}`, { secrets: ["get"] })).toEqual(done);
    const credential = new ClientSecretCredential(app.tenantId, app.clientId, app.clientSecret, options());
    const { token } = await credential.getToken(`${resource()}/.default`);
    expect([await vaultAnswers(token, "secrets/Given"), await vaultAnswers(token, "secrets")]).toEqual([200, 403]);
    await control("PUT", `/vaults/demo-vault/access/${app.objectId}`, {});
    expect(await vaultAnswers(token, "secrets/Given")).toBe(403);
  });

  test("makes a certificate of a subject", async () => {
    const subject = { subject: "CN=shop.example.com" };
    expect(await control("PUT", "/vaults/demo-vault/certificates/shop", subject)).toEqual(done);
    const made = emulator.vaults.named("demo-vault").certificates.find("shop");
    expect(made?.value.subject).toBe("CN=shop.example.com");
    expect(await control("PUT", "/vaults/demo-vault/certificates/shop", { cn: "shop" })).toMatchObject({ status: 400 });
  });

  test("federates an application with a cluster whose keys it gives", async () => {
    const app = identity();
    const issuer = "https://10.0.0.1:6443";
    const match = { issuer, subject: "system:serviceaccount:a:b", audience: "api://AzureADTokenExchange" };
    expect(await control("PUT", "/entra/apps", app)).toEqual(done);
    const { tenantId, clientId } = app;
    expect(await control("PUT", "/entra/federations", { tenantId, clientId, ...match })).toEqual(done);
    expect(await control("PUT", "/entra/issuers", { issuer, jwks: { keys: [issuerKey.publicJwk] } })).toEqual(done);
    const exp = Math.floor(Date.now() / 1000) + 60;
    const assertion = issuerKey.sign({ iss: issuer, sub: match.subject, aud: match.audience, exp });
    await new ClientAssertionCredential(tenantId, clientId, () => assertion, options()).getToken(
      `${resource()}/.default`,
    );
  });

  test("gives the VM and a pod their identities", async () => {
    const [vm, pod] = [identity(), identity()];
    expect(await control("PUT", "/imds/identities", { ...vm, system: true })).toEqual(done);
    expect(await control("PUT", "/nmi/bindings", { ...pod, namespace: "a", podName: "b" })).toEqual(done);
    const { imdsUrl, nmiUrl } = emulator.settings;
    const imds = `${imdsUrl}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${resource()}`;
    const ofVm = await fetch(imds, { headers: { metadata: "true" } });
    expect(await ofVm.json()).toMatchObject({ client_id: vm.clientId });
    const nmi = `${nmiUrl}/host/token/?resource=${resource()}`;
    const ofPod = await fetch(nmi, { headers: { podns: "a", podname: "b" } });
    expect(await ofPod.json()).toMatchObject({ clientid: pod.clientId });
  });

  test("binds an identity to a service account, and renews the token proxy's authority", async () => {
    const bound = { ...identity(), subject: "system:serviceaccount:a:b" };
    expect(await control("PUT", "/token-proxy/bindings", bound)).toEqual(done);
    const exp = Math.floor(Date.now() / 1000) + 60;
    const claims = { iss: "https://kubernetes.default.svc.cluster.local", sub: bound.subject, exp };
    const body = new URLSearchParams({
      grant_type: "client_credentials",
      client_id: bound.clientId,
      scope: `${resource()}/.default`,
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: await emulator.serviceAccountKey.sign({ ...claims, aud: "api://AKSIdentityBinding" }),
    });
    const url = `${emulator.settings.entraUrl}/${bound.tenantId}/oauth2/v2.0/token`;
    const answer = await emulator.tokenProxy.server.handler(new Request(url, { method: "POST", body }), {
      reset: () => Response.error(),
      sendHalf: () => Promise.resolve(Response.error()),
      ignore: () => Promise.resolve(Response.error()),
    });
    expect(answer.status).toBe(200);
    const { status, text } = await control("POST", "/token-proxy/authority");
    expect([status, text]).toEqual([200, expect.stringMatching(/^-----BEGIN CERTIFICATE-----\n/)]);
  });

  test.each([
    { path: "/entra/apps", body: "{", says: "JSON" },
    { path: "/entra/apps", body: [], says: "the body is no JSON object" },
    { path: "/entra/apps", body: null, says: "the body is no JSON object" },
    { path: "/entra/apps", body: { tenantId: "t" }, says: "clientId must be a text" },
    { path: "/entra/apps", body: { tenantId: "t", clientId: "c", objectId: 1 }, says: "objectId must be a text" },
    { path: "/entra/apps", body: { secret: "s" }, says: "secret is unknown; known are tenantId, clientId, objectId," },
    { path: "/entra/issuers", body: { issuer: "i" }, says: "jwks must be a JSON object with a list of keys" },
    { path: "/entra/issuers", body: { jwks: { keys: [] } }, says: "issuer must be a text" },
    { path: "/entra/issuers", body: { issuer: "i", jwks: { keys: [1] } }, says: "JSON Web Key Set malformed" },
    { path: "/entra/issuers", body: null, says: "issuer must be a text" },
    { path: "/entra/federations", body: { tenantId: "t", clientId: "c" }, says: "issuer must be a text" },
    {
      path: "/entra/federations",
      body: { tenantId: "t", clientId: "c", issuer: "i", subject: "s", audience: "a" },
      says: "no application c is registered in the tenant t",
    },
    { path: "/vaults/no-vault/access/o", body: {}, says: 'no vault "no-vault"' },
    { path: "/vaults/demo-vault/access/o", body: [], says: "rights are a JSON object" },
    { path: "/vaults/demo-vault/access/o", body: { secret: ["get"] }, says: "secret is no kind of object" },
    { path: "/vaults/demo-vault/access/o", body: { secrets: ["read"] }, says: "secrets must be a list of get, list," },
    { path: "/vaults/demo-vault/access/o", body: { secrets: "get" }, says: "secrets must be a list of get, list," },
    {
      path: "/imds/identities",
      body: { tenantId: "t", clientId: "c", objectId: "o", system: "yes" },
      says: "system must be true or false",
    },
    {
      path: "/nmi/bindings",
      body: { tenantId: "t", clientId: "c", objectId: "o", namespace: "" },
      says: "namespace must be a text",
    },
    {
      path: "/token-proxy/bindings",
      body: { tenantId: "t", clientId: "c", objectId: "o" },
      says: "subject must be a text",
    },
  ])("is told what is wrong with $body for $path", async ({ path, body, says }) => {
    const { status, text } = await control("PUT", path, body);
    expect([status, text]).toEqual([400, expect.stringContaining(says)]);
  });

  test.each(["imds", "nmi", "token-proxy", "entra"])(
    "slows down, gives faults to and counts the part %s",
    async (name) => {
      const parts = { imds: "imds", nmi: "nmi", "token-proxy": "tokenProxy", entra: "entra" } as const;
      const part = parts[name as keyof typeof parts];
      const connection = { reset: () => Response.error() } as never;
      const handler = part === "tokenProxy" ? emulator.tokenProxy.server.handler : emulator[part].handler;
      const ask = async (): Promise<number> =>
        (await handler(new Request(`${emulator.settings.entraUrl}/none`), connection)).status;
      expect(await control("POST", "/reset")).toEqual(done);
      expect(await control("POST", `/${name}/faults`, { kind: "refuse", status: 503 })).toEqual(done);
      expect(await ask()).toBe(503);
      expect(await control("DELETE", `/${name}/faults`)).toEqual(done);
      expect(await control("POST", `/${name}/latency/60`)).toEqual(done);
      const start = performance.now();
      expect(await ask()).toBe(404);
      expect(performance.now() - start).toBeGreaterThan(55);
      expect(await control("POST", `/${name}/latency/0`)).toEqual(done);
      const counters = JSON.parse((await control("GET", "/counters")).text) as Record<string, unknown>;
      expect(counters[part]).toMatchObject({ requests: 2, answers: { "GET /none 503": 1, "GET /none 404": 1 } });
      await control("POST", "/reset");
      expect(JSON.parse((await control("GET", "/counters")).text)).toMatchObject({ [part]: { requests: 0 } });
    },
  );
});
