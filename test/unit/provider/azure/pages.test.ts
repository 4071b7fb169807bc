import { afterEach, describe, expect, test } from "vitest";
import { createVaultClient } from "../../../../src/provider/azure/vault-client.ts";
import type { Vault, VaultQuestion } from "../../../../src/provider/azure/vault.ts";
import {
  startFakeAzure,
  type FakeAnswer,
  type FakeAzureServer,
  type SeenRequest,
} from "../../../fakes/azure-server.ts";

let azure: FakeAzureServer | undefined;
afterEach(() => azure?.stop());

/** A vault whose answers to requests with a token are the test's, by the query's `page` (0 for the first). */
async function start(
  answer: (page: number, origin: string) => FakeAnswer,
  timeoutMs = 10_000,
): Promise<{ readonly vault: Vault; readonly asked: () => string[] }> {
  const handler = (request: SeenRequest): FakeAnswer => {
    const { host } = request;
    if (request.headers.authorization === undefined) {
      const suffix = host.slice(host.indexOf(".") + 1);
      const challenge = `Bearer authorization="https://login.test/t", resource="https://${suffix}"`;
      return { status: 401, headers: { "www-authenticate": challenge } };
    }
    return answer(Number(new URL(request.url, "https://x").searchParams.get("page") ?? 0), `https://${host}`);
  };
  const server = await startFakeAzure(handler);
  azure = server;
  const credential = { getToken: () => Promise.resolve({ token: "t", expiresOnTimestamp: Date.now() + 3_600_000 }) };
  const transport = { agent: server.agent, userAgent: "test", timeoutMs };
  const address = { name: "kv1", url: `https://kv1.vault.azure.test:${server.port}/` };
  const withToken = (): SeenRequest[] => server.seen.filter(({ headers }) => headers.authorization !== undefined);
  return {
    vault: createVaultClient(
      address,
      { credential, ready: () => Promise.resolve(), current: () => undefined },
      transport,
    ),
    asked: () => {
      expect(withToken().flatMap(({ headers }) => Object.keys(headers))).not.toContain("x-page-link");
      return withToken().map(({ url }) => url);
    },
  };
}

const never = new AbortController().signal;
const page = (value: unknown[], nextLink?: string | null): FakeAnswer => ({ status: 200, body: { value, nextLink } });
const item = (version: string, attributes?: object): object => ({ id: `https://kv1/secrets/s/${version}`, attributes });
const idOf = (n: number): string => `https://kv1/secrets/s/v${n}`;

describe("a list of versions", () => {
  test.each<VaultQuestion["collection"]>(["secrets", "keys", "certificates"])("of %s has all pages", async (kind) => {
    const { vault, asked } = await start((n, origin) =>
      page(
        [{ [kind === "keys" ? "kid" : "id"]: idOf(n), attributes: { enabled: true, created: n } }],
        n < 3 ? `${origin}/${kind}/s/versions?api-version=7.4&page=${n + 1}` : null,
      ),
    );
    const list = await vault.versions(kind, "s", never);
    expect(list).toEqual([0, 1, 2, 3].map((n) => ({ id: idOf(n), attributes: { enabled: true, created: n } })));
    const path = `/${kind}/s/versions?api-version=7.4`;
    expect(asked()).toEqual([path, ...[1, 2, 3].map((n) => `${path}&page=${n}`)]);
  });
  test("takes what is missing or foreign as missing", async () => {
    const items = [
      item("a"),
      item("b", { enabled: "no", created: "old" }),
      { id: 7 },
      "x",
      item("c", { enabled: false }),
    ];
    const { vault } = await start(() => page(items, ""));
    expect(await vault.versions("secrets", "s", never)).toEqual([
      { id: "https://kv1/secrets/s/a", attributes: undefined },
      { id: "https://kv1/secrets/s/b", attributes: { enabled: undefined, created: undefined } },
      { id: undefined, attributes: undefined },
      { id: undefined, attributes: undefined },
      { id: "https://kv1/secrets/s/c", attributes: { enabled: false, created: undefined } },
    ]);
  });
  test.each([
    [
      "elsewhere",
      "https://evil.azure.test/secrets/s/versions",
      "vault kv1 answers with a list of versions whose next page is elsewhere",
    ],
    ["nowhere", "evil", "vault kv1 answers with a list of versions whose next page is elsewhere"],
  ])("whose next page is %s is refused, and nobody is sent the token", async (_, link, message) => {
    const { vault, asked } = await start(() => page([item("a")], link));
    await expect(vault.versions("secrets", "s", never)).rejects.toMatchObject({ reason: "ProviderError", message });
    expect(asked()).toHaveLength(1);
  });
  test("without an end is refused", async () => {
    const { vault } = await start((n, origin) =>
      page([], `${origin}/secrets/s/versions?api-version=7.4&page=${n + 1}`),
    );
    await expect(vault.versions("secrets", "s", never)).rejects.toThrow("a list of versions of more than 200 pages");
  });
  test("that is refused on a later page is an error of the whole", async () => {
    const { vault } = await start((n, origin) =>
      n === 0
        ? page([item("a")], `${origin}/secrets/s/versions?page=1`)
        : { status: 429, headers: { "retry-after": "7" }, body: { error: { code: "Throttled" } } },
    );
    await expect(vault.versions("secrets", "s", never)).rejects.toMatchObject({
      reason: "Throttled",
      retryAfterMs: 7000,
    });
  });
  test("ends on any page with the caller's signal, and with the time limit of a request", async () => {
    const hang = (n: number, origin: string): FakeAnswer => {
      if (n === 0) return page([], `${origin}/secrets/s/versions?page=1`);
      caller.abort();
      return "never";
    };
    const caller = new AbortController();
    const { vault } = await start(hang);
    await expect(vault.versions("secrets", "s", caller.signal)).rejects.toMatchObject({ reason: "DeadlineExceeded" });
    await azure?.stop();
    const { vault: slow } = await start(hang, 50);
    await expect(slow.versions("secrets", "s", never)).rejects.toMatchObject({ reason: "ProviderUnavailable" });
  });
});
