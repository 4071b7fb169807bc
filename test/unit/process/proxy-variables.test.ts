import { expect, test } from "vitest";
import { takeProxyVariables } from "../../../src/process/proxy-variables.ts";

test("proxy variables of either case leave the environment, and nothing else does", () => {
  const env = { HTTPS_PROXY: "a", no_proxy: "b", ALL_PROXY: "c", http_proxy: "d", PATH: "/bin" };
  expect(takeProxyVariables(env)).toMatchObject({ HTTPS_PROXY: "a", no_proxy: "b", ALL_PROXY: "c", http_proxy: "d" });
  expect(env).toEqual({ PATH: "/bin" });
});
