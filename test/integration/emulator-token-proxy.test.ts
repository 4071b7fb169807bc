import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { connect, type TLSSocket } from "node:tls";
import { decodeJwt, type JWTPayload } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { tokenProxyName } from "../../src/emulator/cluster-identity.ts";
import type { Connection } from "../../src/emulator/connection.ts";
import { startEmulator, type Emulator } from "../../src/emulator/emulator.ts";
import { createEntra } from "../../src/emulator/entra.ts";
import { createDirectory } from "../../src/emulator/entra/directory.ts";
import { createParts, openKept } from "../../src/emulator/parts.ts";
import { openSigningKey, type SigningKey } from "../../src/emulator/signing-key.ts";

let dir: string;
let emulator: Emulator;
let ca: string;
let strange: SigningKey;
let identity: { tenantId: string; clientId: string; objectId: string };

const issuer = "https://kubernetes.default.svc.cluster.local";
const subject = "system:serviceaccount:default:shop";

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "akv-emulator-"));
  emulator = await startEmulator({ dir, ports: { entra: 0, vault: 0, kubernetes: 0 } });
  ca = await readFile(join(dir, "serviceaccount/ca.crt"), "utf8");
  strange = await openSigningKey(join(dir, "strange-key.json"));
  emulator.vaults.named("demo-vault").setSecret("DemoSecret", "MyExampleSecret");
});

beforeEach(() => {
  identity = { tenantId: emulator.settings.tenantId, clientId: randomUUID(), objectId: randomUUID() };
  emulator.tokenProxy.bindIdentity({ ...identity, subject });
  emulator.tokenProxy.behave();
  emulator.tokenProxy.tally.reset();
  emulator.entra.tally.reset();
});

afterAll(async () => {
  await emulator.stop();
  await rm(dir, { recursive: true, force: true });
});

const port = (): number => Number(new URL(emulator.settings.kubernetesUrl).port);
const loginHost = (): string => new URL(emulator.settings.entraUrl).host;
const tokenPath = (tenant = identity.tenantId): string => `/${tenant}/oauth2/v2.0/token`;

interface Asked {
  readonly path: string;
  readonly form?: URLSearchParams;
  readonly servername?: string;
  readonly host?: string;
  readonly port?: number;
  readonly ca?: string;
}

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
}

/** A request as the product's token service library would send it, its address rewritten. */
async function ask({
  path,
  form,
  servername = emulator.settings.tokenProxyName,
  host,
  ...more
}: Asked): Promise<Answer> {
  const headers = { host: host ?? loginHost(), "content-type": "application/x-www-form-urlencoded" };
  const options = { host: "127.0.0.1", port: port(), path, headers, servername, ca, agent: false, ...more };
  const sent = request({ ...options, method: form ? "POST" : "GET" }).end(form?.toString());
  const [incoming] = (await once(sent, "response")) as [IncomingMessage];
  return { status: incoming.statusCode, body: await text(incoming) };
}

async function assertion(claims: JWTPayload = {}, key = emulator.serviceAccountKey): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) + 600;
  return key.sign({ iss: issuer, sub: subject, aud: ["api://AKSIdentityBinding"], exp, ...claims });
}

function formOf(client_assertion: string, more: Record<string, string> = {}): URLSearchParams {
  return new URLSearchParams({
    grant_type: "client_credentials",
    client_id: identity.clientId,
    scope: `https://${emulator.settings.vaultSuffix}/.default`,
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion,
    ...more,
  });
}

describe("the name of a cluster's token proxy", () => {
  test.each([
    ["696995ccb303450001b31a18", "aeaf29ip1hi5q38ebc3u4daum81u0unk52t5bg50j25234fmuj78g.ests.aks"],
    ["abc123def456", "avimke6u6l2eeq8qc1cneuaq4sl2e1av9t4clqgun97le32hub670.ests.aks"],
  ])("of %s is %s", (clusterId, name) => {
    expect(tokenProxyName(clusterId)).toBe(name);
  });
});

describe("at the port of the Kubernetes API", () => {
  /** Whom a TLS client meets who asks for this name. */
  async function meet(servername?: string): Promise<{ subject: string; names: string }> {
    const options = { host: "127.0.0.1", port: port(), ca, ...(servername === undefined ? {} : { servername }) };
    const socket: TLSSocket = connect(options);
    await once(socket, "secureConnect");
    const { subject, subjectaltname = "" } = socket.getPeerCertificate();
    socket.destroy();
    return { subject: String(subject.CN), names: subjectaltname };
  }

  test("a client that asks for no name, or for the API server's, meets the API server, who names its cluster", async () => {
    const { clusterId } = emulator.settings;
    expect(clusterId).toMatch(/^[0-9a-f]{24}$/);
    for (const name of [
      undefined,
      "kubernetes.default.svc.cluster.local",
      `hcp-kubernetes.${clusterId}.svc.cluster.local`,
    ])
      expect(await meet(name)).toEqual({
        subject: "kubernetes.default.svc.cluster.local",
        names:
          `DNS:kubernetes.default.svc.cluster.local, DNS:hcp-kubernetes.${clusterId}.svc.cluster.local, ` +
          "DNS:localhost, IP Address:127.0.0.1",
      });
  });

  test("a client that asks for the token proxy of the cluster meets it", async () => {
    const name = tokenProxyName(emulator.settings.clusterId);
    expect(emulator.settings.tokenProxyName).toBe(name);
    expect(await meet(name)).toEqual({ subject: name, names: `DNS:${name}` });
  });

  test("a client that asks for the token proxy of another cluster is refused in TLS", async () => {
    await expect(meet(tokenProxyName("696995ccb303450001b31a18"))).rejects.toThrow(/ECONNRESET|TLS connection/);
  });

  test("the Kubernetes API is asked by all but the token proxy's clients", async () => {
    emulator.kubernetes.tally.reset();
    const path = "/api/v1/namespaces/default/pods/none";
    const servername = "kubernetes.default.svc.cluster.local";
    expect(await ask({ path, servername })).toMatchObject({ status: 401 });
    expect(await ask({ path })).toMatchObject({ status: 404 });
    expect(emulator.kubernetes.tally.counters().requests).toBe(1);
    expect(emulator.tokenProxy.tally.counters().requests).toBe(1);
  });

  test("the cluster gets an id in a directory that is older than such ids, whose other identities stay", async () => {
    const [old, ports] = [join(dir, "old"), { entra: 0, vault: 0, kubernetes: 0 }];
    const file = join(old, "identities.json");
    await mkdir(old);
    const { tenantId, demo, admin, adminToken, pluginToken } = emulator.settings;
    const kept = { tenantId, demo, admin, adminToken, pluginToken };
    await writeFile(file, JSON.stringify(kept));
    const { settings, stop } = await startEmulator({ dir: old, ports });
    await stop();
    expect(settings).toMatchObject({ ...kept, clusterId: expect.stringMatching(/^[0-9a-f]{24}$/) as string });
    expect(JSON.parse(await readFile(file, "utf8"))).toEqual({ ...kept, clusterId: settings.clusterId });
  });

  test("the cluster's id stays when the emulator is started again", async () => {
    const again = await startEmulator({ dir, ports: { entra: 0, vault: 0, kubernetes: 0 } });
    expect(again.settings.clusterId).toBe(emulator.settings.clusterId);
    await again.stop();
  });
});

describe("the token proxy", () => {
  test("gives a bound service account a token of the identity, which vaults take", async () => {
    emulator.vaults.named("demo-vault").allow(identity.objectId, { secrets: ["get"] });
    const { status, body } = await ask({ path: tokenPath(), form: formOf(await assertion()) });
    const answer = JSON.parse(body) as { access_token: string };
    expect([status, answer]).toEqual([200, expect.objectContaining({ token_type: "Bearer", expires_in: 3599 })]);
    expect(decodeJwt(answer.access_token)).toMatchObject({ oid: identity.objectId, appid: identity.clientId });
    const url = `https://demo-vault.${emulator.settings.vaultSuffix}/secrets/DemoSecret?api-version=7.4`;
    const sent = request(url, { ca, agent: false, headers: { authorization: `Bearer ${answer.access_token}` } }).end();
    const [incoming] = (await once(sent, "response")) as [IncomingMessage];
    expect(JSON.parse(await text(incoming))).toMatchObject({ value: "MyExampleSecret" });
  });

  test("is counted apart from the token service", async () => {
    await ask({ path: tokenPath(), form: formOf(await assertion()) });
    expect(emulator.tokenProxy.tally.counters().answers).toEqual({ [`POST ${tokenPath()} 200`]: 1 });
    expect(emulator.entra.tally.counters().requests).toBe(0);
  });

  test("serves the metadata of the token service, with its addresses", async () => {
    const { tenantId, entraUrl } = emulator.settings;
    const { status, body } = await ask({ path: `/${tenantId}/v2.0/.well-known/openid-configuration` });
    expect([status, JSON.parse(body)]).toEqual([
      200,
      expect.objectContaining({ token_endpoint: `${entraUrl}/${tenantId}/oauth2/v2.0/token` }),
    ]);
  });

  test("lets a service account be each identity, and an identity be of each account, that a binding joins", async () => {
    const other = { ...identity, clientId: randomUUID(), objectId: randomUUID() };
    emulator.tokenProxy.bindIdentity({ ...other, subject });
    emulator.tokenProxy.bindIdentity({ ...other, subject: "system:serviceaccount:default:till" });
    const of = async (claims: JWTPayload, client_id: string): Promise<unknown> =>
      (await ask({ path: tokenPath(), form: formOf(await assertion(claims), { client_id }) })).status;
    const till = { sub: "system:serviceaccount:default:till" };
    expect(await of({}, identity.clientId)).toBe(200);
    expect(await of({}, other.clientId.toUpperCase())).toBe(200);
    expect(await of(till, other.clientId)).toBe(200);
    expect(await of(till, identity.clientId)).toBe(403);
  });

  test.each([
    { what: "of another account", claims: { sub: "system:serviceaccount:default:other" }, code: 700213 },
    { what: "for workload identity", claims: { aud: "api://AzureADTokenExchange" }, code: 700212 },
    { what: "of another issuer", claims: { iss: "https://other" }, code: 700211 },
    { what: "that has expired", claims: { exp: 60 }, code: 700024 },
  ])("forbids a token $what with 403 and AADSTS$code", async ({ claims, code }) => {
    const { status, body } = await ask({ path: tokenPath(), form: formOf(await assertion(claims)) });
    expect([status, JSON.parse(body)]).toEqual([403, expect.objectContaining({ error_codes: [code] })]);
  });

  test.each([
    { what: "an identity that is not bound", form: { client_id: randomUUID() }, code: 700016, status: 403 },
    { what: "what is no token", form: { client_assertion: "secret" }, code: 50027, status: 403 },
    { what: "a client secret", form: { client_assertion: "", client_secret: "s" }, code: 7000218, status: 403 },
    { what: "a resource that nobody knows", form: { scope: "https://x.example/.default" }, code: 500011, status: 400 },
    { what: "a request without scope", form: { scope: "" }, code: 900144, status: 400 },
  ])("refuses $what with $status and AADSTS$code", async ({ form, code, status }) => {
    const answer = await ask({ path: tokenPath(), form: formOf(await assertion(), form) });
    expect([answer.status, JSON.parse(answer.body)]).toEqual([
      status,
      expect.objectContaining({ error_codes: [code] }),
    ]);
  });

  test("forbids a token that another key signed, and an identity of another tenant", async () => {
    const forged = await ask({ path: tokenPath(), form: formOf(await assertion({}, strange)) });
    expect([forged.status, forged.body]).toEqual([403, expect.stringContaining("AADSTS7000272")]);
    const tenant = randomUUID();
    emulator.entra.addTenant({ id: tenant });
    const elsewhere = await ask({ path: tokenPath(tenant), form: formOf(await assertion()) });
    expect([elsewhere.status, elsewhere.body]).toEqual([403, expect.stringContaining("AADSTS700016")]);
  });

  test.each([
    { what: "for its own host", asked: { host: "kubernetes.default.svc.cluster.local" }, status: 421 },
    {
      what: "for the public login, while that is not served",
      asked: { host: "login.microsoftonline.com" },
      status: 421,
    },
    { what: "of another path", asked: { path: "/proxy/oauth2/v2.0/token" }, status: 400 },
    { what: "of a path of nobody's", asked: { path: "/" }, status: 404 },
  ])("takes no request $what", async ({ asked, status }) => {
    const form = formOf(await assertion());
    expect((await ask({ path: tokenPath(), form, ...asked })).status).toBe(status);
  });

  test("misbehaves as it is told to", async () => {
    emulator.tokenProxy.misbehave({ kind: "refuse", status: 429, requests: 1, retryAfterS: 2 });
    const form = formOf(await assertion());
    expect((await ask({ path: tokenPath(), form })).status).toBe(429);
    emulator.tokenProxy.misbehave({ kind: "drop", requests: 1 });
    await expect(ask({ path: tokenPath(), form })).rejects.toMatchObject({ code: "ECONNRESET" });
    expect((await ask({ path: tokenPath(), form })).status).toBe(200);
  });
});

describe("without the token proxy", () => {
  const straight = (form: URLSearchParams): Promise<Answer> =>
    ask({
      path: tokenPath(),
      form,
      servername: "login.localhost",
      port: Number(new URL(emulator.settings.entraUrl).port),
    });

  test("the token service refuses the token of an identity binding, of whom it knows no credential", async () => {
    expect((await straight(formOf(await assertion()))).body).toContain("AADSTS700211");
  });

  test("the token service refuses its audience, where the account is federated for another", async () => {
    emulator.entra.federate({ ...identity, issuer, subject, audience: "api://AzureADTokenExchange" });
    expect((await straight(formOf(await assertion()))).body).toContain("AADSTS700212");
  });
});

test("the public login's clients are served where that login is, by the name that they call it", async () => {
  const [kept, directory, network] = [await openKept(dir), createDirectory(), { rttMs: 0 }];
  const entra = createEntra(kept.entraKey, directory, network);
  const url = emulator.settings.entraUrl;
  const { tokenProxy } = await createParts(kept, { entra, url, isPublic: true, directory, network });
  const ofHost = async (host: string): Promise<unknown> => {
    const metadata = `https://${host}/${identity.tenantId}/v2.0/.well-known/openid-configuration`;
    const answer = await tokenProxy.server.handler(new Request(metadata), {} as Connection);
    return answer.status === 200 ? answer.json() : answer.status;
  };
  for (const host of ["login.microsoftonline.com", loginHost()])
    expect(await ofHost(host)).toMatchObject({ issuer: `https://${host}/${identity.tenantId}/v2.0` });
  expect(await ofHost("login.microsoftonline.us")).toBe(421);
});

test("after its authority was renewed the proxy is trusted by those alone who know the new one", async () => {
  const path = tokenPath();
  const form = formOf(await assertion());
  expect((await ask({ path, form })).status).toBe(200);
  const renewed = await emulator.tokenProxy.renewAuthority();
  expect(renewed).toMatch(/^-----BEGIN CERTIFICATE-----/);
  // The name of the authority is the same, the key is not.
  await expect(ask({ path, form })).rejects.toMatchObject({ code: "CERT_SIGNATURE_FAILURE" });
  expect((await ask({ path, form, ca: renewed })).status).toBe(200);
  const servername = "kubernetes.default.svc.cluster.local";
  expect((await ask({ path: "/", servername })).status).toBe(404);
});
