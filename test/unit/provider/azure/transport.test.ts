import { describe, expect, test } from "vitest";
import { isAborted, networkFault } from "../../../../src/provider/azure/transport.ts";

const restError = (code: unknown): Error => Object.assign(new Error("hunter2"), { name: "RestError", code });
const fault = (code: unknown): string | undefined => networkFault("kv1.example", restError(code), "check keyvaultName");

describe("networkFault()", () => {
  test.each([
    ["ENOTFOUND", "kv1.example does not resolve (ENOTFOUND): check keyvaultName"],
    ["EAI_AGAIN", "kv1.example does not resolve (EAI_AGAIN): check keyvaultName"],
    ["ECONNREFUSED", "kv1.example refuses connections (ECONNREFUSED): check the network between this node and it"],
    ["ECONNRESET", "kv1.example broke the connection (ECONNRESET): check the network between this node and it"],
    ["EHOSTUNREACH", "kv1.example cannot be reached (EHOSTUNREACH): check the network between this node and it"],
    [
      "REQUEST_SEND_ERROR",
      "kv1.example does not answer (REQUEST_SEND_ERROR): check the network between this node and it",
    ],
    ...[
      "CERT_HAS_EXPIRED",
      "SELF_SIGNED_CERT_IN_CHAIN",
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
      "ERR_TLS_CERT_ALTNAME_INVALID",
    ].map((code) => [
      code,
      `the certificate of kv1.example is not trusted (${code}): if a proxy opens TLS, give this plugin the proxy's CA`,
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
