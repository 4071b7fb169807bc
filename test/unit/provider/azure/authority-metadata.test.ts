import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createCredential } from "../../../../src/provider/azure/credential.ts";
import { allMeans, customCloud } from "../../../fakes/azure-means.ts";
import { startFakeAzure, type FakeAnswer, type FakeAzureServer } from "../../../fakes/azure-server.ts";

const hour = 60 * 60_000;
const issued: FakeAnswer = { status: 200, body: { token_type: "Bearer", expires_in: 3599, access_token: "access" } };

let server: FakeAzureServer;
let now: number;
/** What the token service answers to requests for a token, and how long its metadata is. */
let answer: FakeAnswer;
let padding: string;

beforeEach(async () => {
  [now, answer, padding] = [Date.now(), issued, ""];
  server = await startFakeAzure(({ method, host, url }) => {
    const authority = `https://${host}/${url.split("/")[1] ?? ""}`;
    const endpoints = {
      authorization_endpoint: `${authority}/a`,
      token_endpoint: `${authority}/token`,
      jwks_uri: `${authority}/k`,
    };
    return method === "GET" ? { status: 200, body: { issuer: authority, ...endpoints, padding } } : answer;
  });
});
afterEach(() => server.stop());

/** Asks for a token as so many applications, one after the other; resolves to the methods of the requests that this took. */
function desk(): (clientId: string, tenantId?: string, alias?: string) => Promise<string> {
  const transport = { agent: server.agent, userAgent: "test", timeoutMs: 5_000 };
  const means = allMeans(transport, () => new Date(now));
  return async (clientId, tenantId = "t1", alias = "login.azure.test") => {
    const cloud = customCloud(`https://${alias}:${server.port}/`, "vault.azure.test");
    const principal = { kind: "servicePrincipal" as const, tenantId, clientId, clientSecret: "s", cloud };
    const before = server.seen.length;
    await createCredential(principal, means)
      .getToken("https://vault.azure.test/.default")
      .catch(() => undefined);
    return server.seen
      .slice(before)
      .map(({ method }) => method)
      .join(" ");
  };
}

describe("of a cloud that a file describes, an authority says where it gives tokens", () => {
  test("once for all its applications", async () => {
    const ask = desk();
    expect([await ask("a"), await ask("b"), await ask("a")]).toEqual(["GET POST", "POST", "POST"]);
  });

  test("once for each tenant and each host", async () => {
    const ask = desk();
    expect([await ask("a", "t1"), await ask("a", "t2"), await ask("a", "t2")]).toEqual([
      "GET POST",
      "GET POST",
      "POST",
    ]);
    expect([await ask("a", "t1", "other.azure.test"), await ask("a", "t1")]).toEqual(["GET POST", "POST"]);
  });

  test.each([
    [hour - 1, "POST"],
    [hour, "GET POST"],
  ])("%i ms later it takes %s", async (ms, requests) => {
    const ask = desk();
    await ask("a");
    now += ms;
    expect(await ask("b")).toBe(requests);
  });

  test.each([400, 401, 404, 503])("again after a token was refused by %i", async (status) => {
    const ask = desk();
    answer = { status, body: { error: "invalid_client" } };
    expect(await ask("a")).toBe("GET POST");
    answer = issued;
    expect([await ask("a"), await ask("a")]).toEqual(["GET POST", "POST"]);
    answer = { status, body: { error: "invalid_client" } };
    expect([await ask("b"), await ask("a")]).toEqual(["POST", "GET POST"]);
  });

  test("each time, where it says more than anybody needs", async () => {
    const ask = desk();
    padding = "x".repeat(16 * 1024);
    expect([await ask("a"), await ask("a")]).toEqual(["GET POST", "GET POST"]);
  });
});
