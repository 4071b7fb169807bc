import { expect, test } from "vitest";
import { proxyFault } from "../../../../src/provider/azure/proxy-fault.ts";
import { parseProxy } from "../../../../src/provider/azure/proxy.ts";

const proxy = parseProxy({ https_proxy: "http://user:hunter2@proxy:3128" });
const name = "the proxy http://proxy:3128";

test.each([
  [
    "PROXY_TUNNEL",
    "HTTP 407",
    `${name} wants credentials or refuses those it got (HTTP 407): correct user and password in https_proxy`,
  ],
  [
    "PROXY_TUNNEL",
    "HTTP 403",
    `${name} refuses to connect to kv1.example (HTTP 403): allow it there, or name it in NO_PROXY`,
  ],
  [
    "PROXY_TUNNEL",
    "HTTP 503",
    `${name} cannot reach kv1.example (HTTP 503): check that name, and whether the proxy resolves and reaches it`,
  ],
  ["PROXY_TUNNEL", "hunter2", `${name} does not connect to kv1.example: correct https_proxy, or check the proxy`],
  [
    "PROXY_TLS",
    "SELF_SIGNED_CERT_IN_CHAIN",
    `the certificate of ${name} is not trusted (SELF_SIGNED_CERT_IN_CHAIN): give this plugin its CA by SSL_CERT_FILE`,
  ],
  [
    "PROXY_TLS",
    "ERR_SSL_WRONG_VERSION_NUMBER",
    `TLS with ${name} fails (ERR_SSL_WRONG_VERSION_NUMBER): check what answers there, and whether a proxy stands in between`,
  ],
  ["PROXY_TLS", "hunter2", `the certificate of ${name} is not trusted (TLS): give this plugin its CA by SSL_CERT_FILE`],
  ["ENOTFOUND", "getaddrinfo hunter2", `${name} does not resolve (ENOTFOUND): correct https_proxy`],
  ["EAI_AGAIN", "", `${name} does not resolve (EAI_AGAIN): correct https_proxy`],
  [
    "ETIMEDOUT",
    "",
    `${name} cannot be reached (ETIMEDOUT): correct https_proxy, or check the network between this node and it`,
  ],
  [
    "SELF_SIGNED_CERT_IN_CHAIN",
    "",
    `the certificate of kv1.example, through ${name}, is not trusted (SELF_SIGNED_CERT_IN_CHAIN): if the proxy opens TLS, give this plugin the proxy's CA by SSL_CERT_FILE`,
  ],
  [
    "CERT_HAS_EXPIRED",
    "",
    `the certificate of kv1.example, through ${name}, is not trusted (CERT_HAS_EXPIRED): renew it, or correct the clock of this node`,
  ],
  [
    "ECONNRESET",
    "",
    `the connection to kv1.example through ${name} broke (ECONNRESET): check the proxy, and the network between this node and it`,
  ],
])("%s, %j has a sentence", (code, message, sentence) => {
  if (proxy === undefined) throw new Error("there is a proxy");
  expect(proxyFault({ proxy, host: "kv1.example", code, message })).toBe(sentence);
});
