import { SecretClient } from "@azure/keyvault-secrets";
import { describe, expect, test, vi } from "vitest";
import { parseProxy } from "../../../../src/provider/azure/proxy.ts";
import { clientOptions, isAborted, networkFault } from "../../../../src/provider/azure/transport.ts";
import { startFakeAzure, type FakeAzureServer } from "../../../fakes/azure-server.ts";

const restError = (code: unknown): Error => Object.assign(new Error("hunter2"), { name: "RestError", code });
const fault = (code: unknown): string | undefined => networkFault("kv1.example", restError(code), "check keyvaultName");

describe("networkFault()", () => {
  test.each([
    ["ENOTFOUND", "kv1.example does not resolve (ENOTFOUND): check keyvaultName"],
    ["EAI_AGAIN", "kv1.example does not resolve (EAI_AGAIN): check the DNS of this node"],
    ["ECONNREFUSED", "kv1.example refuses connections (ECONNREFUSED): check the network between this node and it"],
    ["ECONNRESET", "kv1.example broke the connection (ECONNRESET): check the network between this node and it"],
    ["EHOSTUNREACH", "kv1.example cannot be reached (EHOSTUNREACH): check the network between this node and it"],
    [
      "REQUEST_SEND_ERROR",
      "kv1.example does not answer (REQUEST_SEND_ERROR): check the network between this node and it",
    ],
    ...["SELF_SIGNED_CERT_IN_CHAIN", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"].map((code) => [
      code,
      `the certificate of kv1.example is not trusted (${code}): give this plugin its CA by SSL_CERT_FILE, or that of a proxy which opens TLS`,
    ]),
    ...["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"].map((code) => [
      code,
      `the certificate of kv1.example is not trusted (${code}): renew it, or correct the clock of this node`,
    ]),
    [
      "ERR_TLS_CERT_ALTNAME_INVALID",
      "the certificate of kv1.example is not trusted (ERR_TLS_CERT_ALTNAME_INVALID): it is one for other names; check what answers there",
    ],
    ...["ERR_SSL_WRONG_VERSION_NUMBER", "EPROTO"].map((code) => [
      code,
      `TLS with kv1.example fails (${code}): check what answers there, and whether a proxy stands in between`,
    ]),
  ])("%s has a sentence", (code, sentence) => {
    expect(fault(code)).toBe(sentence);
  });
  test("what is no network error, or has a code that is prose, has none", () => {
    expect(networkFault("h", new Error("hunter2"), "")).toBeUndefined();
    expect(networkFault("h", "hunter2", "")).toBeUndefined();
    expect(fault("the code is hunter2")).toBeUndefined();
    expect(fault(undefined)).toBeUndefined();
  });
});

describe("isAborted()", () => {
  test("knows the SDK's and the platform's abort", () => {
    expect(isAborted(Object.assign(new Error(), { name: "AbortError" }))).toBe(true);
    expect(isAborted(new DOMException("", "AbortError"))).toBe(true);
    expect(isAborted(new Error("AbortError"))).toBe(false);
  });
});

describe("clientOptions()", () => {
  async function asked(server: FakeAzureServer, options: object): Promise<unknown> {
    const transport = { agent: server.agent, userAgent: "test", timeoutMs: 1_000, ...options };
    const nobody = { getToken: () => Promise.resolve(null) };
    const client = new SecretClient(`https://kv1.azure.test:${server.port}`, nobody, clientOptions(transport));
    return client.getSecret("a").catch((error: unknown) => error);
  }

  test("the SDK's own proxy policy does nothing beside the agent", async () => {
    await using stack = new AsyncDisposableStack();
    const server = await startFakeAzure(() => ({ status: 404, body: {} }));
    stack.defer(server.stop);
    for (const name of ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"]) vi.stubEnv(name, "http://127.0.0.1:1");
    stack.defer(() => void vi.unstubAllEnvs());
    expect(await asked(server, {})).toMatchObject({ statusCode: 404 });
    expect(server.seen).toHaveLength(1);
  });

  test("a failure names the proxy where the proxy serves, and only there", async () => {
    await using stack = new AsyncDisposableStack();
    const server = await startFakeAzure(() => "reset");
    stack.defer(server.stop);
    const told = async (noProxy: string): Promise<string | undefined> => {
      const proxy = parseProxy({ HTTPS_PROXY: "http://proxy:3128", NO_PROXY: noProxy });
      return networkFault("kv1", await asked(server, { proxy }), "");
    };
    expect(await told("")).toMatch(/^the connection to kv1 through the proxy http:\/\/proxy:3128 broke/);
    expect(await told(`azure.test:${server.port}`)).toMatch(/^kv1 broke the connection \(ECONNRESET\)/);
  });
});
