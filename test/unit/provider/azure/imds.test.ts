import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createMetadataService, type MetadataServiceOptions } from "../../../../src/provider/azure/managed-identity.ts";
import { customCloud } from "../../../fakes/azure-means.ts";

const cloud = customCloud("https://login.example/", "vault.example");
const begin = "ManagedIdentityCredential authentication failed: ";
const now = new Date("2026-01-01T00:00:00Z");
const good = { access_token: "t1", expires_on: "4102444800", resource: "https://vault.example", token_type: "Bearer" };

let server: Server;
let address: string;
/** Of one request after the other; the last one stays. */
let answers: RequestListener[];
let seen: IncomingMessage[];
let pauses: number[];
beforeEach(async () => {
  [answers, seen, pauses] = [[], [], []];
  server = createServer((request, response) => {
    seen.push(request);
    (answers.length > 1 ? answers.shift() : answers[0])?.(request, response);
  });
  address = await listen(server);
});
afterEach(stop);

async function stop(): Promise<void> {
  server.closeAllConnections();
  if (server.listening) await server[Symbol.asyncDispose]();
}

async function listen(listener: TcpServer): Promise<string> {
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
}

/** Pauses are noted, and take no time. */
function ask(clientId = "c1", options: Partial<MetadataServiceOptions> = {}) {
  const service = createMetadataService({
    userAgent: "csi-secrets-store/v1",
    timeoutMs: 5_000,
    env: { AZURE_POD_IDENTITY_AUTHORITY_HOST: address },
    clock: () => now,
    random: () => 0,
    pause: (pauseMs) => Promise.resolve(pauses.push(pauseMs)),
    ...options,
  });
  return service.sourceOf({ kind: "managed", cloud, clientId })("https://vault.example/.default");
}

const respond =
  (status: number, body: unknown = "", headers: Record<string, string> = {}): RequestListener =>
  (_, response) =>
    response.writeHead(status, headers).end(typeof body === "string" ? body : JSON.stringify(body));
const drop: RequestListener = (request) => request.socket.destroy();
const breakOff: RequestListener = (_, response) => {
  response.writeHead(200, { "content-length": "100" }).write("{");
  setImmediate(() => response.destroy());
};
const hang: RequestListener = () => undefined;
const hangHalfway: RequestListener = (_, response) => {
  response.writeHead(200, { "content-length": "100" }).write("{");
};

describe("a token of the node's metadata service", () => {
  test.each(["", "/"])(
    "is asked for by the vault's resource and the client id, at the host with '%s'",
    async (slash) => {
      answers = [respond(200, good)];
      const env = { AZURE_POD_IDENTITY_AUTHORITY_HOST: `${address}${slash}` };
      expect(await ask("c1&resource=x", { env })).toEqual({ token: "t1", expiresOnTimestamp: 4_102_444_800_000 });
      const { pathname, searchParams } = new URL(seen[0]?.url ?? "", "http://imds");
      expect([seen[0]?.method, pathname]).toEqual(["GET", "/metadata/identity/oauth2/token"]);
      expect([...searchParams]).toEqual([
        ["api-version", "2018-02-01"],
        ["resource", "https://vault.example"],
        ["client_id", "c1&resource=x"],
      ]);
      expect(seen[0]?.headers).toMatchObject({ metadata: "true", "user-agent": "csi-secrets-store/v1" });
    },
  );
  test("of the identity that the system assigned is asked for without a client id", async () => {
    answers = [respond(200, good)];
    await ask("");
    expect(seen[0]?.url).not.toContain("client_id");
  });
  test("is kept by nobody: two who ask are two requests, and the second has the newer token", async () => {
    answers = [respond(200, good), respond(200, { ...good, access_token: "t2" })];
    expect([(await ask()).token, (await ask()).token]).toEqual(["t1", "t2"]);
    expect(seen).toHaveLength(2);
  });
  test("of an identity with a name that the SDK has a use for is no other's", async () => {
    answers = [respond(200, good), respond(400, { error: "invalid_request", error_description: "Identity not found" })];
    await ask("");
    await expect(ask("system_assigned_managed_identity")).rejects.toThrow("The node does not have that identity");
  });
  test("has nothing to do with workload identity of the plugin's own pod", async () => {
    answers = [respond(200, good)];
    const webhook = { AZURE_FEDERATED_TOKEN_FILE: "/nowhere", AZURE_TENANT_ID: "t", AZURE_CLIENT_ID: "c2" };
    const env = { AZURE_POD_IDENTITY_AUTHORITY_HOST: address, ...webhook };
    expect(await ask("c1", { env })).toMatchObject({ token: "t1" });
    expect(seen[0]?.url).toContain("client_id=c1");
  });
  test.each([
    [{ expires_on: 4_102_444_800 }, 4_102_444_800_000],
    [{ expires_on: "4102444800", expires_in: "60" }, 4_102_444_800_000],
    [{ expires_on: undefined, expires_in: "60" }, now.getTime() + 60_000],
    [{ expires_on: "soon", expires_in: 60 }, now.getTime() + 60_000],
  ])("expires by %j at %i", async (times, expiresOnTimestamp) => {
    answers = [respond(200, { ...good, ...times })];
    expect(await ask()).toEqual({ token: "t1", expiresOnTimestamp });
  });
  test.each(["https://127.0.0.1", "http://127.0.0.1/path", "http://u@127.0.0.1", "127.0.0.1:80", "nonsense"])(
    "cannot be asked for at %s",
    (host) => {
      const create = () =>
        createMetadataService({ userAgent: "", timeoutMs: 1, env: { AZURE_POD_IDENTITY_AUTHORITY_HOST: host } });
      expect(create).toThrow(expect.objectContaining({ reason: "InvalidRequest" }));
      expect(create).toThrow("AZURE_POD_IDENTITY_AUTHORITY_HOST must be http://host:port");
    },
  );
});

describe("an answer without a token", () => {
  const several =
    "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request";
  const [stranger, unassigned, ambiguous, elsewhere] = [
    "The node does not have that identity: assign it to the node, and check that userAssignedIdentityID is its client ID",
    "The node has no identity assigned by the system: assign one, or name another by userAssignedIdentityID",
    "The node has several identities: name one by userAssignedIdentityID",
    "It does not know the Key Vault of this cloud: check cloudName, or keyVaultDNSSuffix of the cloud file",
  ];
  test.each([
    ["c1", { error: "invalid_request", error_description: "Identity not found" }, stranger],
    ["", { error: "invalid_request", error_description: "Identity not found" }, unassigned],
    ["c1", "hunter2", stranger],
    ["", { error: "invalid_request", error_description: several }, ambiguous],
    ["c1", { error: "invalid_resource", error_description: "hunter2" }, elsewhere],
    ["c1", { error: "hunter2", error_description: "AADSTS500011: The resource principal named x" }, elsewhere],
    ["c1", { error: "hunter2", error_description: "AADSTS50001: x" }, elsewhere],
    ["c1", { error: "hunter2", error_description: "AADSTS5000110" }, stranger],
  ])("of client id '%s', 400 and %j, tells what to do, once and for all", async (clientId, body, sentence) => {
    answers = [respond(400, body)];
    await expect(ask(clientId)).rejects.toMatchObject({
      reason: "PermissionDenied",
      message: `${begin}metadata service: RESPONSE 400: 400 Bad Request. ${sentence}`,
    });
    expect([seen.length, pauses]).toEqual([1, []]);
  });
  test.each([
    [401, "PermissionDenied", "401 Unauthorized. It turns this plugin away: check that the node is in Azure"],
    [403, "PermissionDenied", "403 Forbidden. It turns this plugin away: check that the node is in Azure"],
    [404, "ProviderUnavailable", "404 Not Found. It is being updated, or not Azure's"],
    [408, "ProviderUnavailable", "408 Request Timeout. It is out of order; the next attempt comes by itself"],
    [410, "ProviderUnavailable", "410 Gone. It is being updated, or not Azure's"],
    [429, "Throttled", "429 Too Many Requests. It is asked too often; the next attempt comes by itself"],
    [500, "ProviderUnavailable", "500 Internal Server Error. It is out of order"],
    [503, "ProviderUnavailable", "503 Service Unavailable. It is out of order"],
    [302, "ProviderError", "302 Found is no answer of the metadata service: look at what else answers at its address"],
    [599, "ProviderUnavailable", "599 Unknown. It is out of order"],
  ])("of %i is %s", async (status, reason, sentence) => {
    answers = [respond(status, { error: "hunter2", error_description: "hunter2" })];
    const message = expect.stringContaining(`${begin}metadata service: RESPONSE ${status}: ${sentence}`) as string;
    const failure = ask();
    await expect(failure).rejects.toMatchObject({ reason, message });
    await expect(failure).rejects.not.toThrow("hunter2");
  });
  test.each([
    ["<html>hunter2</html>"],
    ["[]"],
    [{ ...good, access_token: "" }],
    [{ ...good, access_token: 1 }],
    [{ access_token: "hunter2" }],
    [{ ...good, expires_on: "soon" }],
  ])("of 200 and %j is no answer of the metadata service", async (body) => {
    answers = [respond(200, body)];
    await expect(ask()).rejects.toMatchObject({
      reason: "ProviderError",
      message: `${begin}metadata service: RESPONSE 200: 200 OK is no answer of the metadata service: look at what else answers at its address`,
    });
  });
  test("that is longer than any with a token is not read to its end", async () => {
    answers = [respond(200, JSON.stringify(good).padEnd(70_000))];
    await expect(ask()).rejects.toThrow("RESPONSE 200: 200 OK is no answer of the metadata service");
  });
});

describe("what passes is waited for", () => {
  const usual = [800, 1_600, 3_200, 6_400, 12_800];
  test.each([
    [404, usual],
    [410, [3_000, 6_000, 12_000, 24_000, 48_000]],
    [429, usual],
    [500, usual],
    [502, usual],
    [503, usual],
    [504, usual],
    [400, []],
    [401, []],
    [403, []],
    [501, []],
    [200, []],
  ])("%i: %j", async (status, expected) => {
    answers = [respond(status)];
    await expect(ask()).rejects.toThrow(`RESPONSE ${status}: `);
    expect(pauses).toEqual(expected);
    expect(seen).toHaveLength(expected.length + 1);
  });
  test("an update of the service, which takes 70 s, at any chance", async () => {
    answers = [respond(410)];
    await expect(ask("c1", { random: () => 0.999 })).rejects.toThrow("RESPONSE 410: ");
    expect(pauses.reduce((sum, pauseMs) => sum + pauseMs)).toBeGreaterThan(70_000);
  });
  test("an answer that comes in the end is the answer", async () => {
    answers = [respond(500), drop, breakOff, respond(410), respond(200, good)];
    expect(await ask()).toMatchObject({ token: "t1" });
    expect(pauses).toEqual([800, 1_600, 3_200, 24_000]);
  });
  test.each([
    ["2", [2_000, 2_000, 3_200, 6_400, 12_800]],
    ["0", usual],
    ["nonsense", usual],
    ["30", [30_000, 30_000, 30_000]],
    ["3600", [60_000]],
    ["Thu, 01 Jan 2026 00:00:02 GMT", [2_000, 2_000, 3_200, 6_400, 12_800]],
  ])("as long as Retry-After %j says, yet not longer than the user waits", async (retryAfter, expected) => {
    const date = now.toUTCString();
    answers = [respond(429, "", { "retry-after": retryAfter, date })];
    await expect(ask()).rejects.toMatchObject({ reason: "Throttled" });
    expect(pauses).toEqual(expected);
  });
  test.each([
    ["before it answered", drop],
    ["in the middle of its answer", breakOff],
  ])("a service that breaks the connection %s", async (_, answer) => {
    answers = [answer];
    await expect(ask()).rejects.toMatchObject({
      reason: "ProviderUnavailable",
      message: `${begin}the metadata service broke the connection: the next attempt comes by itself`,
    });
    expect(pauses).toEqual(usual);
  });
});

describe("what does not pass is told soon", () => {
  const remedy = "managed identity needs a node in Azure, and this plugin in the node's network";
  test.each([
    ["hangs", hang],
    ["hangs in the middle of its answer", hangHalfway],
  ])("a service that %s is asked once", async (_, answer) => {
    answers = [answer];
    await expect(ask("c1", { timeoutMs: 50 })).rejects.toMatchObject({
      reason: "ProviderUnavailable",
      message: `${begin}the metadata service does not answer: ${remedy}`,
    });
    expect(pauses).toEqual([]);
  });
  test("no service: that is asked once more", async () => {
    await stop();
    await expect(ask()).rejects.toMatchObject({
      reason: "ProviderUnavailable",
      message: `${begin}the metadata service cannot be reached: ${remedy}`,
    });
    expect(pauses).toEqual([800]);
  });
  test.each([
    "220 mail.example ESMTP\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
  ])("somebody else who says %j", async (greeting) => {
    const other = createTcpServer((socket) =>
      socket.on("error", () => undefined).once("data", () => socket.end(greeting)),
    );
    const env = { AZURE_POD_IDENTITY_AUTHORITY_HOST: await listen(other) };
    await expect(ask("c1", { env, timeoutMs: 500 })).rejects.toMatchObject({
      reason: "ProviderUnavailable",
      message: expect.stringContaining(remedy) as string,
    });
    other.close();
  });
});
