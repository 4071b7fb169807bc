import { afterEach, describe, expect, test } from "vitest";
import { createCredential } from "../../../../src/provider/azure/credential.ts";
import type { FederatedIdentity } from "../../../../src/provider/azure/identity.ts";
import type { ServiceAccountToken } from "../../../../src/provider/azure/service-account-token.ts";
import { allMeans, customCloud } from "../../../fakes/azure-means.ts";
import {
  startFakeAzure,
  type FakeAnswer,
  type FakeAzureServer,
  type SeenRequest,
} from "../../../fakes/azure-server.ts";
import { exchangeAudience, serviceAccountJwt } from "../../../fakes/service-account-tokens.ts";

let server: FakeAzureServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

const account = { namespace: "shop", name: "web" };
const minute = 60_000;

function token(id: string, minutes: number): ServiceAccountToken {
  const expiresAt = new Date(Date.now() + minutes * minute);
  const value = serviceAccountJwt({ id, expiresAt });
  return { account, audience: exchangeAudience, issuer: "https://oidc.example", expiresAt, value };
}

interface Desk {
  readonly ask: () => Promise<string | undefined>;
  readonly add: (token: ServiceAccountToken) => void;
  /** The assertion of each request for a token. */
  readonly offered: () => readonly (string | null)[];
  readonly requests: () => readonly SeenRequest[];
}

/** Entra ID decides by the assertion; it is asked anew each time. */
async function open(
  decide: (assertion: string) => FakeAnswer | undefined = () => undefined,
  tenantId = "t1",
): Promise<Desk> {
  const assertionOf = ({ body }: SeenRequest): string => new URLSearchParams(body).get("client_assertion") ?? "";
  const started = await startFakeAzure((request) => {
    const authority = `https://login.azure.test:${started.port}/${tenantId}`;
    const endpoints = {
      authorization_endpoint: `${authority}/a`,
      token_endpoint: `${authority}/token`,
      jwks_uri: `${authority}/k`,
    };
    if (request.method === "GET") return { status: 200, body: { issuer: authority, ...endpoints } };
    const issued = { token_type: "Bearer", expires_in: 3599, access_token: "access" };
    return decide(assertionOf(request)) ?? { status: 200, body: issued };
  });
  server = started;
  const cloud = customCloud(`https://login.azure.test:${started.port}/`, "vault.azure.test");
  const identity: FederatedIdentity = { kind: "workload", cloud, tenantId, clientId: "c1", token: token("first", 1) };
  const means = allMeans({ agent: started.agent, userAgent: "test", timeoutMs: 5_000 });
  return {
    ask: async () => (await createCredential(identity, means).getToken("https://vault.azure.test/.default"))?.token,
    add: means.assertions.add,
    offered: () => started.seen.filter(({ method }) => method === "POST").map(assertionOf),
    requests: () => started.seen,
  };
}

const refused: FakeAnswer = { status: 401, body: { error_codes: [700213] } };

describe("workload identity", () => {
  test("proves itself by the service account token that lasts longest, as a bearer assertion", async () => {
    const { ask, add, offered, requests } = await open();
    const tokens = [token("a", 10), token("b", 60), token("c", 30)];
    tokens.forEach(add);
    expect(await ask()).toBe("access");
    expect(offered()).toEqual([tokens[1]?.value]);
    const form = new URLSearchParams(requests().at(-1)?.body);
    expect(form.get("client_assertion_type")).toBe("urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    expect([form.get("client_id"), form.get("grant_type")]).toEqual(["c1", "client_credentials"]);
    expect(form.get("scope")).toContain("https://vault.azure.test/.default");
  });
  test("a token that is refused is followed by the next one, and not offered again", async () => {
    const [gone, alive] = [token("of a pod that is gone", 60), token("alive", 30)];
    const { ask, add, offered } = await open((assertion) => (assertion === gone.value ? refused : undefined));
    [gone, alive].forEach(add);
    expect(await ask()).toBe("access");
    expect(await ask()).toBe("access");
    expect(offered()).toEqual([gone.value, alive.value, alive.value]);
  });
  test("Entra ID is asked twice at most, however many tokens there are", async () => {
    const { ask, add, offered } = await open(() => refused);
    for (const minutes of [10, 20, 30, 40]) add(token(String(minutes), minutes));
    await expect(ask()).rejects.toMatchObject({
      reason: "PermissionDenied",
      message: expect.stringMatching(
        /^ClientAssertionCredential authentication failed: https:\/\/login\.azure\.test:\d+\/t1: RESPONSE 401: 401 Unauthorized, ERROR CODE: AADSTS700213\. No federated credential of the application fits: add one with issuer https:\/\/oidc\.example, subject system:serviceaccount:shop:web and audience api:\/\/AzureADTokenExchange$/,
      ) as string,
    });
    expect(offered()).toHaveLength(2);
  });
  test("an outage takes no token off the record", async () => {
    let down = true;
    const { ask, add, offered } = await open(() => (down ? { status: 503, body: {} } : undefined));
    const only = token("only", 30);
    add(only);
    await expect(ask()).rejects.toMatchObject({ reason: "ProviderUnavailable" });
    down = false;
    expect(await ask()).toBe("access");
    expect(offered()).toEqual([only.value, only.value]);
  });
  test("without a token on record nobody is asked", async () => {
    const { ask, requests } = await open();
    await expect(ask()).rejects.toMatchObject({ reason: "InvalidRequest" });
    expect(requests()).toEqual([]);
  });
  test.each(["contoso.onmicrosoft.com", "adfs"])(
    "the tenant may be %s, and nobody else is asked about it",
    async (tenant) => {
      const { ask, add, requests } = await open(undefined, tenant);
      add(token("a", 30));
      expect(await ask()).toBe("access");
      expect(requests().filter(({ url }) => url.includes("discovery/instance"))).toEqual([]);
      expect(requests().every(({ url }) => url.startsWith(`/${tenant}/`))).toBe(true);
    },
  );
});
