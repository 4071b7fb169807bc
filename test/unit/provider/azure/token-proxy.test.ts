import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { Agent } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createAuthority } from "../../../../src/emulator/ca.ts";
import { createCredential } from "../../../../src/provider/azure/credential.ts";
import type { FederatedIdentity } from "../../../../src/provider/azure/identity.ts";
import { sniOf } from "../../../../src/provider/azure/sni.ts";
import {
  createTokenProxy,
  parseTokenProxyUrl,
  type TokenProxyOptions,
} from "../../../../src/provider/azure/token-proxy.ts";
import { allMeans } from "../../../fakes/azure-means.ts";
import { bindingAudience, serviceAccountJwt } from "../../../fakes/service-account-tokens.ts";
import { startFakeApiServer, type FakeApiServer } from "../../../fakes/token-proxy.ts";

const apiNames = ["localhost", "hcp-kubernetes.abc123def456.svc.cluster.local"];
const publicCloud = {
  authorityHost: "https://login.microsoftonline.com/",
  vaultSuffix: "vault.azure.net",
  keyVaultEndpoint: "https://vault.azure.net/",
  custom: false,
};
const identity: FederatedIdentity = {
  kind: "binding",
  cloud: publicCloud,
  tenantId: "t1",
  clientId: "c1",
  token: {
    account: { namespace: "shop", name: "web" },
    audience: bindingAudience,
    issuer: "https://oidc.example",
    expiresAt: new Date(Date.now() + 3_600_000),
    value: serviceAccountJwt({ audience: bindingAudience }),
  },
};

let dir: string;
let caFile: string;
let server: FakeApiServer;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "token-proxy-"));
  caFile = join(dir, "ca.crt");
  server = await startFakeApiServer(apiNames);
  await writeFile(caFile, server.authority.pem);
});
afterEach(async () => {
  await server.stop();
  await rm(dir, { recursive: true });
});

/** A token by way of the proxy; each credential asks anew. */
function askerThrough(change: Partial<TokenProxyOptions> = {}): () => Promise<string | undefined> {
  const url = new URL(`https://localhost:${server.port}/`);
  const apiServer = { host: "localhost", port: server.port };
  const tokenProxy = createTokenProxy({ url, sniName: "", caFile, apiServer, ...change });
  const means = { ...allMeans({ agent: new Agent(), userAgent: "test", timeoutMs: 5_000 }), tokenProxy };
  means.assertions.add(identity.token);
  return async () => (await createCredential(identity, means).getToken("https://vault.azure.net/.default"))?.token;
}

describe("identity binding", () => {
  test("asks the proxy in place of Entra ID: another server name, the same host and path", async () => {
    expect(await askerThrough()()).toBe("proxied");
    expect(new Set(server.seen.map(({ serverName }) => serverName))).toEqual(new Set([sniOf("abc123def456")]));
    expect(new Set(server.seen.map(({ host }) => host))).toEqual(new Set(["login.microsoftonline.com"]));
    const post = server.seen.find(({ method }) => method === "POST");
    expect(post?.url.split("?")[0]).toBe("/t1/oauth2/v2.0/token");
    expect(new URLSearchParams(post?.body).get("client_assertion")).toBe(identity.token.value);
  });
  test("asks no other instance, and the API server's certificate once", async () => {
    const ask = askerThrough();
    await ask();
    await ask();
    expect(server.seen.filter(({ url }) => url.includes("/common/discovery/instance"))).toEqual([]);
  });
  test("puts the path of the proxy's URL in front", async () => {
    await askerThrough({ url: new URL(`https://localhost:${server.port}/prefix/`) })();
    expect(server.seen.every(({ url }) => url.startsWith("/prefix/t1/"))).toBe(true);
  });
  test("takes the server name that it is told, and then needs no certificate to read", async () => {
    const sniName = "given.ests.aks";
    expect(await askerThrough({ sniName, apiServer: { host: "localhost", port: 1 } })()).toBe("proxied");
    expect(new Set(server.seen.map(({ serverName }) => serverName))).toEqual(new Set([sniName]));
  });
  test("reads the CA again before each request: a new one is trusted at once, the old one no longer", async () => {
    const ask = askerThrough();
    expect(await ask()).toBe("proxied");
    const renewed = await createAuthority();
    await server.trust(renewed);
    await expect(ask()).rejects.toThrow("is not trusted");
    await writeFile(caFile, renewed.pem);
    expect(await ask()).toBe("proxied");
  });
  test("keeps the CA while its file is empty", async () => {
    const ask = askerThrough();
    await ask();
    await writeFile(caFile, "");
    expect(await ask()).toBe("proxied");
  });
  test("says so when the CA is gone", async () => {
    const ask = askerThrough();
    await ask();
    await rm(caFile);
    await expect(ask()).rejects.toThrow(`proxy transport not available: read CA file ${caFile}: it cannot be read`);
  });
});

describe("outside of AKS", () => {
  const begin = "ClientAssertionCredential authentication failed: proxy transport not available: ";
  const extract = `${begin}compute SNI name: extract cluster ID from API server certificate: `;
  test("what hinders the proxy is told when it is wanted, and asked again the next time", async () => {
    await server.stop();
    server = await startFakeApiServer(["localhost"]);
    await writeFile(caFile, server.authority.pem);
    const ask = askerThrough();
    for (let attempt = 0; attempt < 2; attempt++)
      await expect(ask()).rejects.toMatchObject({
        reason: "ProviderError",
        message: expect.stringContaining(
          `${extract}cluster ID SAN not found in API server certificate (use --sni-name`,
        ) as string,
      });
  });
  test("no CA file", async () => {
    const ask = askerThrough({ caFile: "/nowhere/ca.crt" });
    await expect(ask()).rejects.toThrow(
      `${extract}read CA file /nowhere/ca.crt: no such file (use --sni-name flag to skip automatic SNI detection)`,
    );
  });
  test("an empty CA file", async () => {
    await writeFile(caFile, "\n");
    await expect(askerThrough()()).rejects.toThrow(`${begin}read CA file ${caFile}: it is empty`);
  });
  test("an API server that is not there", async () => {
    const ask = askerThrough({ apiServer: { host: "localhost", port: 1 } });
    await expect(ask()).rejects.toThrow(`${extract}TLS connect to API server: ECONNREFUSED`);
  });
});

describe("the proxy's refusal", () => {
  test("tells which binding and right are missing, and nothing that the proxy said", async () => {
    await server.stop();
    const metadata = {
      issuer: "https://x/",
      authorization_endpoint: "https://x/a",
      token_endpoint: "https://login.microsoftonline.com/t1/token",
    };
    server = await startFakeApiServer(apiNames, ({ method }) =>
      method === "POST" ? { status: 403, body: { error: "hunter2" } } : { status: 200, body: metadata },
    );
    await writeFile(caFile, server.authority.pem);
    await expect(askerThrough()()).rejects.toMatchObject({
      reason: "PermissionDenied",
      message:
        "ClientAssertionCredential authentication failed: https://login.microsoftonline.com/t1: RESPONSE 403: 403 Forbidden, ERROR CODE UNAVAILABLE. " +
        "The token proxy refused the sign-in: check clientID, bind that managed identity to this cluster, and let service account shop/web use it (verb use-managed-identity on c1 in API group cid.wi.aks.azure.com)",
    });
  });
});

describe("parseTokenProxyUrl()", () => {
  test.each([
    ["https://proxy", "https://proxy/"],
    ["https://proxy:8443/a/b", "https://proxy:8443/a/b"],
  ])("%s is taken", (text, href) => {
    expect(parseTokenProxyUrl(text).href).toBe(href);
  });
  test.each([
    ["proxy", "must be a URL, https://host"],
    ["http://proxy", 'custom token endpoint must use https scheme, got "http"'],
    ["https://hunter2@proxy", "custom token endpoint URL must not contain user info"],
    ["https://a:hunter2@proxy", "custom token endpoint URL must not contain user info"],
    ["https://proxy?hunter2", "custom token endpoint URL must not contain a query"],
    ["https://proxy#hunter2", "custom token endpoint URL must not contain a fragment"],
  ])("%s is not, and the part that is too much is not quoted", (text, complaint) => {
    expect(() => parseTokenProxyUrl(text)).toThrow(expect.objectContaining({ message: complaint }));
  });
});
