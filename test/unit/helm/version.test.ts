import { expect, test } from "vitest";
import { parseHelmVersion } from "../../../src/helm/version.ts";

test.each([
  ["v3.18.0", 3, 18],
  ["v3.20.2\n", 3, 20],
  ["3.99.1+g1234", 3, 99],
  ["v4.0.0-rc.1", 4, 0],
  ["v4.3.2", 4, 3],
])("%j can be worked with", (text, major, minor) => {
  expect(parseHelmVersion(text)).toEqual({ major, minor });
});

test.each([
  ["v3.17.4", "is of version 3.17"],
  ["v2.16.0", "is of version 2.16"],
  ["v5.0.0", "is of version 5.0"],
  ["<no value>", "does not tell its version"],
  ["", "does not tell its version"],
])("%j is refused", (text, what) => {
  expect(() => parseHelmVersion(text)).toThrow(`the helm command ${what}`);
});
