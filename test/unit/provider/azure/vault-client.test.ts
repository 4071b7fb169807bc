import { afterEach, describe, expect, test } from "vitest";
import { DriverError } from "../../../../src/errors.ts";
import type { ServicePrincipal } from "../../../../src/provider/azure/identity.ts";
import { allMeans, customCloud } from "../../../fakes/azure-means.ts";
import { createCredential } from "../../../../src/provider/azure/credential.ts";
import type { Transport } from "../../../../src/provider/azure/transport.ts";
import type { VaultAddress } from "../../../../src/provider/azure/vault-address.ts";
import { createVaultToken, type VaultToken } from "../../../../src/provider/azure/vault-token.ts";
import { createVaultClient } from "../../../../src/provider/azure/vault-client.ts";
import type { Vault } from "../../../../src/provider/azure/vault.ts";
import {
  startFakeAzure,
  type FakeAnswer,
  type FakeAzureServer,
  type SeenRequest,
} from "../../../fakes/azure-server.ts";

const token = { token_type: "Bearer", expires_in: 3599, access_token: "the-access-token" };
const never = new AbortController().signal;

let server: FakeAzureServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

interface Play {
  /** What the vault answers to a request with a token. */
  readonly vault?: (request: SeenRequest) => FakeAnswer;
  readonly entra?: () => FakeAnswer;
  readonly resource?: string;
  readonly timeoutMs?: number;
  readonly domain?: string;
}

/** A vault client of the real SDK against a local server that plays Entra ID and the vault. */
async function open(play: Play = {}): Promise<{ vault: Vault; seen: SeenRequest[]; port: number }> {
  const running = await startFakeAzure((request) => answer(request, running.port, play));
  server = running;
  const { agent, port, seen } = running;
  const suffix = `${play.domain ?? "vault.azure.test"}:${port}`;
  const principal: ServicePrincipal = {
    kind: "servicePrincipal",
    tenantId: "contoso.onmicrosoft.com",
    clientId: "11111111-2222-3333-4444-555555555555",
    clientSecret: "the-client-secret",
    cloud: customCloud(`https://login.azure.test:${port}/`, suffix),
  };
  const transport = { agent, userAgent: "csi-secrets-store/v1", timeoutMs: play.timeoutMs ?? 10_000 };
  const address = { name: "kv1", url: `https://kv1.${suffix}/` };
  return { vault: createVaultClient(address, tokenOf(address, principal, transport), transport), seen, port };
}

/** Not fetched ahead, so that the vault's challenge is met. */
function tokenOf(address: VaultAddress, principal: ServicePrincipal, transport: Transport): VaultToken {
  return createVaultToken(address, principal, createCredential(principal, allMeans(transport)));
}

function answer(request: SeenRequest, port: number, play: Play): FakeAnswer {
  const authority = `https://login.azure.test:${port}`;
  if (request.host.startsWith("login.")) {
    if (request.method === "POST") return play.entra?.() ?? { status: 200, body: token };
    return { status: 200, body: openidConfiguration(authority) };
  }
  if (request.headers.authorization !== undefined) return (play.vault ?? (() => secretAnswer))(request);
  const resource = play.resource ?? "https://vault.azure.test";
  const challenge = `Bearer authorization="${authority}/some-other-tenant", resource="${resource}"`;
  return { status: 401, headers: { "www-authenticate": challenge } };
}

function openidConfiguration(authority: string): object {
  const tenant = `${authority}/contoso.onmicrosoft.com`;
  return {
    issuer: `${tenant}/v2.0`,
    authorization_endpoint: `${tenant}/oauth2/v2.0/authorize`,
    token_endpoint: `${tenant}/oauth2/v2.0/token`,
    jwks_uri: `${tenant}/discovery/v2.0/keys`,
  };
}

const secretAnswer = {
  status: 200,
  body: { id: "https://kv1.vault.azure.test/secrets/s1/v1", value: "hello", contentType: "text/plain", attributes: {} },
};

async function failureOf(answer: Promise<unknown>): Promise<DriverError> {
  const error: unknown = await answer.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof DriverError) return error;
  throw new Error("not a DriverError", { cause: error });
}

describe("what goes over the wire", () => {
  test("the challenge is answered with a token of the class's own tenant, whatever tenant it names", async () => {
    const { vault, seen } = await open();
    expect(await vault.secret("s1", "", never)).toMatchObject({ value: "hello", contentType: "text/plain" });
    const [first, , tokenRequest, last] = seen;
    expect([first?.url, first?.headers.authorization]).toEqual(["/secrets/s1/?api-version=7.4", undefined]);
    expect(tokenRequest?.url).toMatch(/^\/contoso\.onmicrosoft\.com\/oauth2\/v2\.0\/token/);
    const form = new URLSearchParams(tokenRequest?.body);
    expect(form.get("scope")).toContain("https://vault.azure.test/.default");
    expect(form.get("client_secret")).toBe("the-client-secret");
    expect(form.get("claims")).toBeNull();
    expect(last?.headers.authorization).toBe("Bearer the-access-token");
    expect(seen).toHaveLength(4);
  });
  test("our name stands first in the User-Agent, for the vault and for Entra ID", async () => {
    const { vault, seen } = await open();
    await vault.secret("s1", "", never);
    for (const { headers } of seen) expect(headers["user-agent"]).toMatch(/^csi-secrets-store\/v1 /);
  });
  test("name and version are escaped", async () => {
    const { vault, seen } = await open();
    await vault.secret("a/b?c", "v 1", never);
    expect(seen[0]?.url).toBe("/secrets/a%2Fb%3Fc/v%201?api-version=7.4");
  });
  test("keys and certificates are asked for by version, or for the current one", async () => {
    const key = { kid: "https://kv1.vault.azure.test/keys/k/1", kty: "RSA", n: "AQ", e: "AQAB" };
    const certificate = { id: "https://kv1.vault.azure.test/certificates/c/1", cer: "dGVzdA==" };
    const { vault, seen } = await open({
      vault: ({ url }) => ({ status: 200, body: url.startsWith("/keys") ? { key } : certificate }),
    });
    expect(await vault.key("k", "1", never)).toMatchObject({ key });
    expect(await vault.certificate("c", "", never)).toEqual(certificate);
    await vault.certificate("c", "1", never);
    const urls = seen.filter(({ headers }) => headers.authorization !== undefined).map(({ url }) => url);
    const paths = ["/keys/k/1", "/certificates/c/", "/certificates/c/1"];
    expect(urls).toEqual(paths.map((path) => `${path}?api-version=7.4`));
  });
  test("secrets, keys and certificates asked for at once share one token request", async () => {
    const { vault, seen } = await open({ vault: () => ({ status: 200, body: {} }) });
    await Promise.all([vault.secret("a", "", never), vault.key("b", "", never), vault.certificate("c", "", never)]);
    expect(seen.filter(({ method }) => method === "POST")).toHaveLength(1);
  });
  test("what is missing in an answer is missing in the bundle, not an error of the SDK", async () => {
    const { vault } = await open({ vault: () => ({ status: 200, body: { value: null, key: null } }) });
    expect(await vault.secret("a", "", never)).toEqual({});
    expect(await vault.key("a", "", never)).toEqual({});
    expect(await vault.certificate("a", "", never)).toEqual({});
  });
});

describe("what a vault's failure becomes", () => {
  const refusal = (status: number, error: object): Play => ({
    vault: () => ({ status, body: { error: { message: "free text with a trace id", ...error } } }),
  });

  test.each([
    [404, "ProviderError", "404 Not Found"],
    [400, "ProviderError", "400 Bad Request"],
    [403, "PermissionDenied", "403 Forbidden"],
    [429, "Throttled", "429 Too Many Requests"],
    [500, "ProviderUnavailable", "500 Internal Server Error"],
    [503, "ProviderUnavailable", "503 Service Unavailable"],
  ])("%i is %s, after one request with a token", async (status, reason, text) => {
    const { vault, seen, port } = await open(refusal(status, { code: "SomeCode" }));
    const failure = await failureOf(vault.secret("s1", "v1", never));
    expect(failure.reason).toBe(reason);
    const url = `https://kv1.vault.azure.test:${port}/secrets/s1/v1`;
    expect(failure.message).toContain(`GET ${url}: RESPONSE ${status}: ${text}, ERROR CODE: SomeCode. `);
    expect(failure.message).not.toContain("free text");
    expect(seen.filter(({ headers }) => headers.authorization !== undefined)).toHaveLength(1);
  });
  test("a token that is not accepted is PermissionDenied", async () => {
    const { vault } = await open(refusal(401, { code: "Unauthorized" }));
    expect(await failureOf(vault.secret("s1", "", never))).toMatchObject({ reason: "PermissionDenied" });
  });
  test("a redirect is not followed", async () => {
    const { vault, seen } = await open({ vault: () => ({ status: 307, headers: { location: "/secrets/other/" } }) });
    const failure = await failureOf(vault.secret("s1", "", never));
    expect(failure).toMatchObject({ reason: "ProviderError" });
    expect(failure.message).toContain("RESPONSE 307: 307 Temporary Redirect");
    expect(seen.some(({ url }) => url.includes("other"))).toBe(false);
  });
  test.each([
    ["text that is no JSON", { status: 200, body: "<html>secret</html>" }],
    ["a page", { status: 200, body: "<html>secret</html>", headers: { "content-type": "text/html" } }],
    ["a list", { status: 200, body: ["secret"] }],
  ])("%s is no answer, and is not quoted", async (_, page) => {
    const { vault } = await open({ vault: () => page });
    const failure = await failureOf(vault.secret("s1", "", never));
    expect(failure).toMatchObject({ reason: "ProviderError" });
    expect(failure.message).toMatch(/RESPONSE 200 is no answer of Key Vault/);
    expect(failure.message).not.toContain("html");
  });
  test("a challenge for another service is refused before any token is asked for", async () => {
    const { vault, seen } = await open({ resource: "https://vault.elsewhere.test" });
    const failure = await failureOf(vault.secret("s1", "", never));
    expect(failure).toMatchObject({ reason: "ProviderError" });
    expect(failure.message).toMatch(/^the challenge of vault kv1 doesn't match the requested domain/);
    expect(seen).toHaveLength(1);
  });
  test("a vault that does not answer in time is unavailable", async () => {
    const { vault } = await open({ vault: () => "never", timeoutMs: 100 });
    const failure = await failureOf(vault.secret("s1", "", never));
    expect(failure).toMatchObject({ reason: "ProviderUnavailable", message: "no answer from vault kv1 within 0.1 s" });
  });
  test("a caller who leaves ends the request", async () => {
    const caller = new AbortController();
    const { vault } = await open({
      vault: () => {
        caller.abort();
        return "never";
      },
    });
    const failure = await failureOf(vault.secret("s1", "", caller.signal));
    expect(failure).toMatchObject({ reason: "DeadlineExceeded" });
  });
  test("a connection that breaks is told by its code", async () => {
    const { vault, port } = await open({ vault: () => "reset" });
    const failure = await failureOf(vault.secret("s1", "", never));
    expect(failure.reason).toBe("ProviderUnavailable");
    expect(failure.message).toContain(`vault kv1: kv1.vault.azure.test:${port} broke the connection (ECONNRESET)`);
  });
  test("a name that does not resolve points to keyvaultName", async () => {
    const { vault, port } = await open({ domain: "vault.nowhere.test" });
    expect(await failureOf(vault.secret("s1", "", never))).toMatchObject({
      reason: "ProviderUnavailable",
      message: `vault kv1: kv1.vault.nowhere.test:${port} does not resolve (ENOTFOUND): check keyvaultName`,
    });
  });
  test("a certificate of another name is not trusted", async () => {
    const { vault, port } = await open({ domain: "other.azure.test" });
    const failure = await failureOf(vault.secret("s1", "", never));
    expect(failure.reason).toBe("ProviderUnavailable");
    expect(failure.message).toContain(
      `the certificate of kv1.other.azure.test:${port} is not trusted (ERR_TLS_CERT_ALTNAME_INVALID)`,
    );
  });
});

describe("what Entra ID's failure becomes", () => {
  const refusal = {
    status: 401,
    body: {
      error: "invalid_client",
      error_description: "AADSTS7000215: Invalid client secret provided. Trace ID: 0f Timestamp: 2026-01-01",
      error_codes: [7000215],
      trace_id: "0f",
    },
  };

  test("a refused client secret is PermissionDenied, in our words", async () => {
    const { vault, port } = await open({ entra: () => refusal });
    const failure = await failureOf(vault.secret("s1", "", never));
    expect(failure.reason).toBe("PermissionDenied");
    const authority = `https://login.azure.test:${port}/contoso.onmicrosoft.com`;
    expect(failure.message).toBe(
      `ClientSecretCredential authentication failed: ${authority}: RESPONSE 401: 401 Unauthorized, ERROR CODE: AADSTS7000215. ` +
        "The client secret is wrong: put its value (not its ID) under clientsecret in the Secret that nodePublishSecretRef names",
    );
  });
  test.each([
    [429, "Throttled"],
    [503, "ProviderUnavailable"],
    [302, "ProviderError"],
  ])("%i is %s, after one request", async (status, reason) => {
    const { vault, seen } = await open({
      entra: () => ({ status, body: "busy", headers: { location: "/elsewhere" } }),
    });
    const failure = await failureOf(vault.secret("s1", "", never));
    expect(failure.reason).toBe(reason);
    expect(failure.message).not.toContain("busy");
    expect(seen.filter(({ method }) => method === "POST")).toHaveLength(1);
  });
  test("an answer without a token is no answer", async () => {
    const { vault } = await open({ entra: () => ({ status: 200, body: {} }) });
    expect(await failureOf(vault.secret("s1", "", never))).toMatchObject({ reason: "ProviderError" });
  });
  test("no answer in time, and a broken connection, are unavailable", async () => {
    const slow = await open({ entra: () => "never", timeoutMs: 100 });
    const late = await failureOf(slow.vault.secret("s1", "", never));
    expect(late.reason).toBe("ProviderUnavailable");
    expect(late.message).toMatch(/no answer from login\.azure\.test:\d+ within 0\.1 s$/);
    await server?.stop();
    const broken = await open({ entra: () => "reset" });
    const reset = await failureOf(broken.vault.secret("s1", "", never));
    expect(reset.reason).toBe("ProviderUnavailable");
    expect(reset.message).toMatch(/login\.azure\.test:\d+ broke the connection \(ECONNRESET\)/);
  });
  test("a caller who leaves does not wait for the token", async () => {
    const caller = new AbortController();
    const { vault } = await open({
      entra: () => {
        caller.abort();
        return "never";
      },
    });
    const failure = await failureOf(vault.secret("s1", "", caller.signal));
    expect(failure).toMatchObject({ reason: "DeadlineExceeded" });
  });
  const nowhere = { agent: undefined as never, userAgent: "", timeoutMs: 1 };
  test.each(["con toso", "a/b", "tenant?"])("the tenant %j is refused before anybody is asked", (tenantId) => {
    const cloud = customCloud("https://login.azure.test/", "azure.test");
    const principal = { kind: "servicePrincipal" as const, tenantId, clientId: "id", clientSecret: "secret", cloud };
    expect(() => createCredential(principal, allMeans(nowhere))).toThrow(/^invalid tenantID\./);
  });
  test.each(["http://login.azure.test/", "login.azure.test", ""])(
    "the authority %j is refused: no https",
    (authorityHost) => {
      const cloud = customCloud(authorityHost, "azure.test");
      const principal = {
        kind: "servicePrincipal" as const,
        tenantId: "t",
        clientId: "id",
        clientSecret: "secret",
        cloud,
      };
      expect(() => createCredential(principal, allMeans(nowhere))).toThrow(
        /^cannot use an authority host without https/,
      );
    },
  );
});
