import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { createMetadataService, type MetadataService } from "../../../../src/provider/azure/managed-identity.ts";
import { customCloud } from "../../../fakes/azure-means.ts";

const cloud = customCloud("https://login.example/", "vault.example");
const begin = "ManagedIdentityCredential authentication failed: ";

/** The library reads the environment itself, and remembers for the whole process what it found: there is one for all tests. */
let server: Server;
let service: MetadataService;
let answer: RequestListener;
const seen: IncomingMessage[] = [];
beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const env = {
    IDENTITY_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}/msi/token`,
    IDENTITY_HEADER: "header",
  };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  service = createMetadataService({ userAgent: "csi-secrets-store/v1", timeoutMs: 1_000, env });
});
afterEach(() => {
  seen.length = 0;
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await stop();
});

async function stop(): Promise<void> {
  server.closeAllConnections();
  if (server.listening) await server[Symbol.asyncDispose]();
}

const respond =
  (status: number, body: object): RequestListener =>
  (_, response) =>
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));

const good = { access_token: "t1", expires_on: "4102444800", resource: "https://vault.example", token_type: "Bearer" };

/** The library keeps tokens of one client id for the whole process, so each test has another. */
function ask(clientId: string = randomUUID()) {
  return service.sourceOf({ kind: "managed", cloud, clientId })("https://vault.example/.default");
}

describe("where the environment names another service than that of a plain node", () => {
  test("that one is asked, by the library, for the vault's resource and by the client id", async () => {
    answer = respond(200, good);
    const clientId = randomUUID();
    expect(await ask(clientId)).toMatchObject({ token: "t1", expiresOnTimestamp: 4_102_444_800_000 });
    const { pathname, searchParams } = new URL(seen[0]?.url ?? "", "http://node");
    expect(pathname).toMatch(/^\/msi\/token\/?$/);
    expect(searchParams.get("resource")).toBe("https://vault.example");
    expect(searchParams.get("client_id")).toBe(clientId);
    expect(seen[0]?.headers).toMatchObject({ "x-identity-header": "header" });
    expect(seen[0]?.headers["user-agent"]).toMatch(/^csi-secrets-store\/v1 /);
  });
  test("no client id is named for the identity that the system assigned", async () => {
    answer = respond(400, { error: "invalid_request", error_description: "Identity not found" });
    await expect(ask("")).rejects.toMatchObject({
      reason: "PermissionDenied",
      message: `${begin}metadata service: RESPONSE 400: 400 Bad Request. The node has no identity assigned by the system: assign one, or name another by userAssignedIdentityID`,
    });
    expect(seen[0]?.url).not.toContain("client_id");
  });
  test.each([
    [400, { error: "hunter2" }, "PermissionDenied", "400 Bad Request. The node does not have that identity: assign it"],
    [400, { error: "invalid_resource" }, "PermissionDenied", "400 Bad Request. It does not know the Key Vault of this"],
    [403, {}, "PermissionDenied", "403 Forbidden. It turns this plugin away"],
    [200, { error: "hunter2" }, "ProviderError", "200 OK is no answer of the metadata service"],
  ])("%i %j is %s and tells what to do", async (status, body, reason, sentence) => {
    answer = respond(status, body);
    await expect(ask()).rejects.toMatchObject({
      reason,
      message: expect.stringContaining(`${begin}metadata service: RESPONSE ${status}: ${sentence}`) as string,
    });
  });
  test("a fault that passes is repeated by the library: nobody notices", async () => {
    answer = (request, response) => {
      respond(seen.length === 1 ? 500 : 200, good)(request, response);
    };
    expect(await ask()).toMatchObject({ token: "t1" });
    expect(seen).toHaveLength(2);
  });
  test("one that does not answer is not waited for", async () => {
    answer = () => undefined;
    await expect(ask()).rejects.toThrow(`${begin}the metadata service does not answer: managed identity`);
  }, 30_000);
  test("one that is not there is told so", async () => {
    await stop();
    await expect(ask()).rejects.toMatchObject({
      reason: "ProviderUnavailable",
      message: `${begin}the metadata service cannot be reached: managed identity needs a node in Azure, and this plugin in the node's network`,
    });
  }, 30_000);
});
