import { expect, test } from "vitest";
import { createCredential } from "../../../../src/provider/azure/credential.ts";
import { allMeans, customCloud } from "../../../fakes/azure-means.ts";
import { startFakeAzure } from "../../../fakes/azure-server.ts";

test("the tenant adfs of a cloud file is asked for its token, and nobody else is asked about it", async () => {
  await using stack = new AsyncDisposableStack();
  const server = await startFakeAzure(({ host, url }) => {
    const at = `https://${host}/adfs`;
    if (url.startsWith("/adfs/oauth2/token/"))
      return { status: 200, body: { token_type: "Bearer", access_token: "of ad fs", expires_in: 3600 } };
    if (url !== "/adfs/.well-known/openid-configuration") return { status: 404 };
    return {
      status: 200,
      body: {
        issuer: at,
        authorization_endpoint: `${at}/oauth2/authorize/`,
        token_endpoint: `${at}/oauth2/token/`,
        jwks_uri: `${at}/discovery/keys`,
      },
    };
  });
  stack.defer(server.stop);
  const host = `login.azure.test:${server.port}`;
  const cloud = customCloud(`https://${host}/`, "vault.azure.test");
  const principal = { kind: "servicePrincipal" as const, tenantId: "adfs", clientId: "c", clientSecret: "s", cloud };
  const transport = { agent: server.agent, userAgent: "test", timeoutMs: 5_000 };
  const token = await createCredential(principal, allMeans(transport)).getToken("https://vault.azure.test/.default");
  expect(token?.token).toBe("of ad fs");
  expect(server.seen.map((request) => `${request.method} ${request.host}${request.url.replace(/\?.*/, "")}`)).toEqual([
    `GET ${host}/adfs/.well-known/openid-configuration`,
    `POST ${host}/adfs/oauth2/token/`,
  ]);
});
