import { expect, test } from "vitest";
import { formatAddress, parseAddress } from "../../../src/formats/address.ts";

test.each([
  [":8898", { port: 8898 }],
  ["8898", { port: 8898 }],
  ["127.0.0.1:9808", { host: "127.0.0.1", port: 9808 }],
  ["[::1]:9808", { host: "::1", port: 9808 }],
  ["localhost:0", { host: "localhost", port: 0 }],
  [":65535", { port: 65_535 }],
])("%s is an address", (text, address) => {
  expect(parseAddress(text)).toEqual(address);
});

test.each([
  "",
  ":",
  "localhost",
  "localhost:",
  ":65536",
  ":-1",
  "::1:80",
  "[]:80",
  "[::1]80",
  " :80",
  ":80\n",
  "a:b:1",
])("%j is none", (text) => {
  expect(() => parseAddress(text)).toThrow("must be an address such as :8898 or 127.0.0.1:9808");
});

test.each([":8898", "127.0.0.1:9808", "[::1]:9808"])("%s is printed as it was written", (text) => {
  expect(formatAddress(parseAddress(text))).toBe(text);
});
