import { describe, expect, test } from "vitest";
import { entraRefusal } from "../../../../src/provider/azure/entra-refusal.ts";

const authority = "https://login.microsoftonline.com/t1";

function refusal(status: number, body: unknown) {
  return entraRefusal(authority, { status, body: typeof body === "string" ? body : JSON.stringify(body) }, undefined);
}

describe("entraRefusal()", () => {
  test.each([
    [7000215, "PermissionDenied", "The client secret is wrong"],
    [7000222, "PermissionDenied", "The client secret has expired"],
    [700016, "PermissionDenied", "The tenant does not know the application"],
    [50034, "PermissionDenied", "The tenant does not know the account"],
    [90002, "InvalidRequest", "The tenant does not exist: check tenantID"],
    [900023, "InvalidRequest", "The tenant is neither a GUID nor a verified domain"],
    [99999, "PermissionDenied", "Entra ID refused the sign-in: check tenantID"],
  ])("AADSTS%i is %s", (number, reason, sentence) => {
    const told = refusal(400, { error_codes: [number], error_description: "trace id 0f" });
    expect(told.reason).toBe(reason);
    expect(told.message).toContain(
      `${authority}: RESPONSE 400: 400 Bad Request, ERROR CODE: AADSTS${number}. ${sentence}`,
    );
  });
  test("the number is also found in the description, whose text stays inside", () => {
    const told = refusal(401, { error_description: "AADSTS7000215: Invalid secret hunter2. Trace ID: 0f" });
    expect(told.message).toContain("ERROR CODE: AADSTS7000215. The client secret is wrong");
    expect(told.message).not.toContain("hunter2");
  });
  test.each([
    [400, "hunter2", "PermissionDenied"],
    [401, { error_codes: ["hunter2"] }, "PermissionDenied"],
    [429, "", "Throttled"],
    [408, "", "ProviderUnavailable"],
    [503, "<html>hunter2", "ProviderUnavailable"],
    [302, "", "ProviderError"],
    [200, { access_token: "hunter2" }, "ProviderError"],
  ])("%i with %j has no number and is %s", (status, body, reason) => {
    const told = refusal(status, body);
    expect(told.reason).toBe(reason);
    expect(told.message).toContain("ERROR CODE UNAVAILABLE. ");
    expect(told.message).not.toContain("hunter2");
  });
});
