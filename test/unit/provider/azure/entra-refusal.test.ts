import { describe, expect, test } from "vitest";
import { entraRefusal, type EntraClient } from "../../../../src/provider/azure/entra-refusal.ts";
import type { FederatedIdentity } from "../../../../src/provider/azure/identity.ts";
import { customCloud } from "../../../fakes/azure-means.ts";

const authority = "https://login.microsoftonline.com/t1";

const cloud = customCloud("https://login.microsoftonline.com/", "vault.example");
const principal: EntraClient = { kind: "servicePrincipal", cloud, tenantId: "t1", clientId: "c1", clientSecret: "s1" };

function federated(kind: FederatedIdentity["kind"], issuer = "https://oidc.example/cluster"): EntraClient {
  const account = { namespace: "shop", name: "web" };
  const token = { account, audience: "api://X", issuer, expiresAt: new Date(), value: "hunter2" };
  return { kind, cloud, tenantId: "t1", clientId: "c1", token };
}

function refusal(status: number, body: unknown, client = principal) {
  const answer = { status, body: typeof body === "string" ? body : JSON.stringify(body) };
  return entraRefusal({ authority, client }, answer, undefined);
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
  const fit =
    "No federated credential of the application fits: add one with issuer https://oidc.example/cluster, subject system:serviceaccount:shop:web and audience api://X";
  const keys = "the keys of its issuer https://oidc.example/cluster must be public and current";
  test.each([
    [70021, fit],
    [700211, fit],
    [700212, fit],
    [700213, fit],
    [700024, "The service account token is not valid at this time: check the clock of this node"],
    [700027, keys],
    [7000272, keys],
    [50027, keys],
    [700016, "The tenant does not know the application: check tenantID, and clientID"],
    [99999, "Entra ID refused the sign-in: check tenantID, and clientID"],
  ])("of a service account token by AADSTS%i tells what to do", (number, sentence) => {
    const told = refusal(401, { error_codes: [number] }, federated("workload"));
    expect(told.reason).toBe("PermissionDenied");
    expect(told.message.endsWith(sentence)).toBe(true);
  });
  test.each([501661, 50166, 90061])("for want of the issuer's keys by AADSTS%i is no refusal", (number) => {
    const told = refusal(401, { error_codes: [number] }, federated("workload"));
    expect(told.reason).toBe("ProviderUnavailable");
    expect(told.message).toContain(
      "could not read the keys of issuer https://oidc.example/cluster: its address must be public",
    );
  });
  test("an issuer that is not shown is called the cluster's", () => {
    expect(refusal(401, { error_codes: [700211] }, federated("workload", "")).message).toContain(
      "add one with issuer of this cluster, subject",
    );
  });
  test("by the token proxy names the binding and the right that may be missing", () => {
    const told = refusal(403, "forbidden: hunter2", federated("binding"));
    expect(told.reason).toBe("PermissionDenied");
    expect(told.message).toContain("let service account shop/web use it (verb use-managed-identity on c1 in API group");
    expect(told.message).not.toContain("hunter2");
  });
});
