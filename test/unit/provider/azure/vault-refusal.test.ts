import { describe, expect, test } from "vitest";
import { vaultRefusal } from "../../../../src/provider/azure/vault-refusal.ts";
import type { VaultQuestion } from "../../../../src/provider/azure/vault.ts";

const question: VaultQuestion = {
  vault: { name: "kv1", url: "https://kv1.vault.azure.net/" },
  collection: "secrets",
  name: "s1",
  version: "",
};
const now = new Date("2026-01-01T00:00:00Z");
const guid = "0F8fad5b-d9cb-469f-a165-70867728950e";
const told = (status: number, error: object): string =>
  vaultRefusal(question, { status, parsedBody: { error } }, now).message;

describe("vaultRefusal()", () => {
  test("is one line with address, status, code and remedy", () => {
    expect(told(404, { code: "SecretNotFound", message: "A secret with (name/id) s1 was not found …\nmore" })).toBe(
      "GET https://kv1.vault.azure.net/secrets/s1/: RESPONSE 404: 404 Not Found, ERROR CODE: SecretNotFound. " +
        "Check objectName, objectType and objectVersion, or create it in vault kv1",
    );
  });
  test("tells the inner code and the caller", () => {
    const message = `Caller is not authorized.\r\nCaller: appid=${guid};oid=${guid.replace("0", "1")};iss=https://sts\r\nTime: now`;
    expect(told(403, { code: "Forbidden", message, innererror: { code: "ForbiddenByRbac" } })).toBe(
      "GET https://kv1.vault.azure.net/secrets/s1/: RESPONSE 403: 403 Forbidden, ERROR CODE: Forbidden, " +
        `INNER ERROR CODE: ForbiddenByRbac, caller appid=${guid.toLowerCase()}. Give the caller the role Key Vault Secrets User on vault kv1`,
    );
  });
  test("tells the object id of a caller without an application id", () => {
    expect(told(403, { message: `oid=${guid};` })).toContain(`caller oid=${guid.toLowerCase()}.`);
  });
  test("the same fault gives the same bytes", () => {
    const at = (time: string): string => told(403, { code: "Forbidden", message: `trace ${time}; appid=${guid}` });
    expect(at("10:00")).toBe(at("10:01"));
  });
  test.each([
    ["ForbiddenByPolicy", "Let an access policy of vault kv1 allow the caller to get secrets"],
    ["AccessDenied", "Let an access policy of vault kv1 allow the caller to get secrets"],
    ["ForbiddenByFirewall", "Let the firewall of vault kv1 admit this node, or use a private endpoint"],
    ["ForbiddenByConnection", "Let the firewall of vault kv1 admit this node, or use a private endpoint"],
    ["SecretDisabled", "Enable it in vault kv1, or name another objectVersion"],
    [
      "Whatever",
      "Allow the caller to get secrets of vault kv1, by access policy or by the role Key Vault Secrets User",
    ],
  ])("%s has a remedy", (code, remedy) => {
    expect(told(403, { code: "Forbidden", innererror: { code } })).toMatch(new RegExp(`\\. ${remedy}$`));
  });
  test.each([
    [400, "ProviderError", "Check objectName and objectVersion"],
    [401, "PermissionDenied", "check that tenantID is the tenant of vault kv1"],
    [404, "ProviderError", "create it in vault kv1"],
    [408, "ProviderUnavailable", "is out of order"],
    [418, "ProviderError", "no answer of Key Vault"],
    [429, "Throttled", "limits requests"],
    [500, "ProviderUnavailable", "is out of order"],
    [599, "ProviderUnavailable", "is out of order"],
  ])("%i without a body is %s", (status, reason, remedy) => {
    const refusal = vaultRefusal(question, { status }, now);
    expect(refusal.reason).toBe(reason);
    expect(refusal.message).toContain("ERROR CODE UNAVAILABLE. ");
    expect(refusal.message).toContain(remedy);
  });
  test.each([
    ["a code that is prose", { code: "the secret is hunter2" }],
    ["a code that is long", { code: "hunter2".repeat(20) }],
    ["a code that is no text", { code: { hunter2: 1 } }],
    ["prose in the message", { message: "appid=hunter2" }],
  ])("%s stays inside", (_, error) => {
    expect(told(403, error)).not.toContain("hunter2");
  });
});

describe("Retry-After", () => {
  const vaultsClock = "Thu, 01 Jan 2026 02:00:00 GMT";

  test.each([
    // what it says, the answer's Date, what is waited
    ["7", undefined, 7_000],
    ["7", vaultsClock, 7_000],
    ["0", undefined, 0],
    ["86400", undefined, 86_400_000],
    ["000000000007", undefined, 7_000],
    ["9".repeat(20), undefined, Number("9".repeat(20)) * 1_000],
    ["9".repeat(400), undefined, Infinity],
    ["Thu, 01 Jan 2026 00:00:30 GMT", undefined, 30_000],
    ["Wed, 31 Dec 2025 23:00:00 GMT", undefined, 0],
    ["Thu, 01 Jan 2026 02:00:30 GMT", vaultsClock, 30_000],
    ["Thu, 01 Jan 2026 00:00:30 GMT", vaultsClock, 0],
    ["Thu, 01 Jan 2026 00:00:30 GMT", "yesterday", 30_000],
    ["Thu, 01 Jan 2026 00:00:30 GMT", "", 30_000],
    ["Thu, 01 Jan 1970 00:00:00 GMT", undefined, 0],
    ["soon", undefined, undefined],
    ["-1", undefined, undefined],
    ["1.5", undefined, undefined],
    ["1e3", undefined, undefined],
    ["2026-01-01T00:00:30Z", undefined, undefined],
    ["", undefined, undefined],
    [undefined, undefined, undefined],
    // Dates by their looks only.
    ["Thu, 99 Jan 2026 00:00:30 GMT", undefined, undefined],
    ["Thu, 01 Abc 2026 00:00:30 GMT", vaultsClock, undefined],
    ["Thu, 01 Jan 2026 00:00:30 GMT", "Thu, 01 Jan 2026 99:00:00 GMT", 30_000],
  ])("%j in an answer of %j is %j ms", (retryAfter, date, ms) => {
    expect(vaultRefusal(question, { status: 429, retryAfter, date }, now).retryAfterMs).toBe(ms);
  });
});
