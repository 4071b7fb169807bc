import { describe, expect, test } from "vitest";
import { parseProxy } from "../../../../src/provider/azure/proxy.ts";

const through = "http://proxy.corp:3128";
const basic = (credentials: string): string => `Basic ${Buffer.from(credentials).toString("base64")}`;

describe("parseProxy()", () => {
  test.each([
    [{}, undefined],
    [{ HTTPS_PROXY: "", https_proxy: " " }, undefined],
    [{ HTTP_PROXY: through, ALL_PROXY: through }, undefined],
    [{ HTTPS_PROXY: through }, { name: through, variable: "HTTPS_PROXY" }],
    [{ https_proxy: through }, { name: through, variable: "https_proxy" }],
    [
      { https_proxy: "http://other", HTTPS_PROXY: through },
      { name: through, variable: "HTTPS_PROXY" },
    ],
    [
      { HTTPS_PROXY: " proxy.corp:3128\n" },
      { name: through, host: "proxy.corp", port: 3128, isTls: false, authorization: undefined },
    ],
    [{ HTTPS_PROXY: "proxy.corp" }, { name: "http://proxy.corp", port: 80 }],
    [{ HTTPS_PROXY: "https://proxy.corp/" }, { name: "https://proxy.corp", port: 443, isTls: true }],
    [{ HTTPS_PROXY: "http://[fd00::1]:3128" }, { name: "http://[fd00::1]:3128", host: "fd00::1" }],
    [
      { HTTPS_PROXY: "http://user:pass%40w%3Aord@proxy.corp:3128" },
      { name: through, authorization: basic("user:pass@w:ord") },
    ],
    [{ HTTPS_PROXY: "http://us%C3%A9r@proxy.corp:3128" }, { name: through, authorization: basic("usér:") }],
    [{ HTTPS_PROXY: "http://user:p@ss@proxy.corp:3128" }, { name: through, authorization: basic("user:p@ss") }],
  ])("%j", (env, proxy) => {
    if (proxy === undefined) expect(parseProxy(env)).toBeUndefined();
    else expect(parseProxy(env)).toMatchObject(proxy);
  });

  test.each([
    "socks5://user:hunter2@proxy:1080",
    "http://user:hunter2@",
    "http://user:12/hunter2@proxy:3128",
    "http://user:12#hunter2@proxy:3128",
    "http://user:hunter2%zz@proxy:3128",
    "http://user%4:0hunter2@proxy:3128",
    "http://user:hunter2@ proxy",
    "user:hunter2@proxy:99999",
  ])("refuses %s without quoting it", (text) => {
    const refused = (): unknown => parseProxy({ HTTPS_PROXY: text });
    expect(refused).toThrow(/^HTTPS_PROXY names no proxy that can be used: /);
    expect(refused).not.toThrow(/hunter2|user:12/);
  });
});

describe("NO_PROXY goes around the proxy as with Go", () => {
  const vault = "kv1.vault.azure.net";
  test.each<[string, string, boolean]>([
    ["", vault, true],
    ["*", vault, false],
    ["vault.azure.net", vault, false],
    ["vault.azure.net", "vault.azure.net", false],
    [".vault.azure.net", vault, false],
    [".vault.azure.net", "vault.azure.net", true],
    ["*.vault.azure.net", vault, false],
    ["*.vault.azure.net", "vault.azure.net", true],
    ["ault.azure.net", vault, true],
    [" a.example , VAULT.azure.net ,", vault, false],
    ["vault.azure.net:443", vault, false],
    ["vault.azure.net:8443", vault, true],
    ["vault.azure.net:", vault, false],
    ["vault.azure.net:https", vault, true],
    ["a.example vault.azure.net", vault, true],
    ["10.0.0.0/8", "10.1.2.3", false],
    ["10.0.0.1/8", "10.1.2.3", false],
    ["10.0.0.0/8", "11.1.2.3", true],
    ["10.0.0.0/99", "10.1.2.3", true],
    ["10.0.0.0/8", "10.example", true],
    ["fd00::/8", "[fd12::1]", false],
    ["fd00::/8", "fe80::1", true],
    ["10.1.2.3", "10.1.2.3", false],
    ["10.1.2.3:443", "10.1.2.3", false],
    ["10.1.2.3:80", "10.1.2.3", true],
    ["[fd12::1]:443", "fd12:0::1", false],
    ["fd12::1", "fd12::1", false],
    ["", "localhost", false],
    ["", "LOCALHOST", false],
    ["", "127.8.8.8", false],
    ["", "[::1]", false],
    ["", "login.localhost", true],
    [":443", vault, true],
  ])("%j: whether %s goes through it is %j", (noProxy, host, serves) => {
    for (const name of ["NO_PROXY", "no_proxy"])
      expect(parseProxy({ HTTPS_PROXY: through, [name]: noProxy })?.serves(host, "443")).toBe(serves);
  });
});
