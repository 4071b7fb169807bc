import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { createMetadataService } from "../../../../src/provider/azure/managed-identity.ts";
import { customCloud } from "../../../fakes/azure-means.ts";

const cloud = customCloud("https://login.example/", "vault.example");
const begin = "ManagedIdentityCredential authentication failed: ";

/** The library remembers for the whole process where the metadata service is: there is one for all tests. */
let server: Server;
let answer: RequestListener;
const seen: IncomingMessage[] = [];
beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  vi.stubEnv("AZURE_POD_IDENTITY_AUTHORITY_HOST", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
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

const service = createMetadataService({ userAgent: "csi-secrets-store/v1", timeoutMs: 1_000 });

/** The library keeps tokens of one client id for the whole process, so each test has another. */
function ask(clientId: string = randomUUID()) {
  return service.sourceOf({ kind: "managed", cloud, clientId })("https://vault.example/.default");
}

describe("managedSource()", () => {
  test("asks the node's metadata service for the vault's resource, by the client id", async () => {
    answer = respond(200, good);
    const clientId = randomUUID();
    expect(await ask(clientId)).toMatchObject({ token: "t1", expiresOnTimestamp: 4_102_444_800_000 });
    const { pathname, searchParams } = new URL(seen[0]?.url ?? "", "http://imds");
    expect(pathname).toMatch(/^\/metadata\/identity\/oauth2\/token\/?$/);
    expect(searchParams.get("resource")).toBe("https://vault.example");
    expect(searchParams.get("client_id")).toBe(clientId);
    expect(seen[0]?.headers).toMatchObject({ metadata: "true" });
    expect(seen[0]?.headers["user-agent"]).toMatch(/^csi-secrets-store\/v1 /);
  });
  test("names no client id for the identity that the system assigned", async () => {
    answer = respond(400, { error: "invalid_request", error_description: "Identity not found" });
    await expect(ask("")).rejects.toMatchObject({
      reason: "PermissionDenied",
      message: `${begin}metadata service: RESPONSE 400: 400 Bad Request. The node has no identity assigned by the system: assign one, or name another by userAssignedIdentityID`,
    });
    expect(seen[0]?.url).not.toContain("client_id");
  });
  test.each([
    [400, "Identity not found", "PermissionDenied", "The node does not have that identity: assign it to the node"],
    [
      400,
      "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request",
      "PermissionDenied",
      "The node has several identities: name one by userAssignedIdentityID",
    ],
  ])("%i %j is %s and tells what to do", async (status, error_description, reason, sentence) => {
    answer = respond(status, { error: "hunter2", error_description });
    await expect(ask()).rejects.toMatchObject({
      reason,
      message: expect.stringContaining(
        `${begin}metadata service: RESPONSE ${status}: 400 Bad Request. ${sentence}`,
      ) as string,
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
  test("no metadata service: this is no node in Azure", async () => {
    await stop();
    await expect(ask()).rejects.toMatchObject({
      reason: "ProviderUnavailable",
      message: `${begin}the metadata service cannot be reached: managed identity needs a node in Azure, and this plugin in the node's network`,
    });
  }, 30_000);
});
