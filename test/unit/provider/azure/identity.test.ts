import { describe, expect, test } from "vitest";
import type { Credentials } from "../../../../src/model.ts";
import { chooseIdentity, type ServicePrincipal } from "../../../../src/provider/azure/identity.ts";
import type { AzureParameters } from "../../../../src/provider/azure/parameters.ts";

const cloud = { authorityHost: "https://login.example/", vaultSuffix: "vault.example", custom: true };
const valid = { clientid: "c1", clientsecret: "s1" };

function choose(change: Partial<AzureParameters>, credentials: Credentials): ServicePrincipal {
  const none = { cloudName: "", cloudEnvFileName: "", clientId: "", objects: "" };
  const parameters: AzureParameters = { mode: "None", keyvaultName: "kv1", tenantId: "t1", ...none, ...change };
  return chooseIdentity(parameters, cloud, credentials);
}

describe("chooseIdentity()", () => {
  test("a service principal comes from nodePublishSecretRef", () => {
    const principal = { tenantId: "t1", clientId: "c1", clientSecret: "s1", cloud };
    expect(choose({}, { secrets: valid })).toEqual(principal);
  });
  test("keys are read in any case, values as they are", () => {
    const secrets = { ClientID: "c1\n", CLIENTSECRET: " s1 " };
    expect(choose({}, { secrets })).toMatchObject({ clientId: "c1\n", clientSecret: " s1 " });
  });
  test("tokens beside them do not matter", () => {
    const secrets = { ...valid, "csi.storage.k8s.io/serviceAccount.tokens": "{}" };
    expect(choose({}, { secrets })).toMatchObject({ clientId: "c1" });
  });

  const none = "failed to build auth config for mode None: ";
  const unset = `${none}failed to get credentials, nodePublishSecretRef secret is not set`;
  test.each([
    ["no Secret", {}, unset],
    ["a Secret field of tokens only", { secrets: { "csi.storage.k8s.io/serviceAccount.tokens": "{}" } }, unset],
    ["an empty Secret", { secrets: {} }, `${none}could not find clientid in secrets`],
    ["no client id", { secrets: { clientsecret: "s1" } }, `${none}could not find clientid in secrets`],
    [
      "a blank client id",
      { secrets: { clientid: " ", clientsecret: "s1" } },
      `${none}could not find clientid in secrets`,
    ],
    ["no client secret", { secrets: { clientid: "c1" } }, `${none}could not find clientsecret in secrets`],
  ])("%s is refused", (_, credentials, message) => {
    const refusal = { reason: "InvalidRequest", message: expect.stringMatching(new RegExp(`^${message}`)) as string };
    expect(() => choose({}, credentials)).toThrow(expect.objectContaining(refusal));
  });

  test.each([
    ["PodIdentity", "usePodIdentity"],
    ["VMManagedIdentity", "useVMManagedIdentity"],
    ["AzureTokenProxy", "useAzureTokenProxy"],
  ] as const)("mode %s is not served yet, and %s is named", (mode, parameter) => {
    const beginning = `failed to build auth config for mode ${mode}: this identity mode is not supported by this version`;
    expect(() => choose({ mode }, { secrets: valid })).toThrow(`${beginning}: leave out ${parameter} `);
  });
  test("workload identity is not served yet, and a service principal never takes its place", () => {
    expect(() => choose({ clientId: "c1" }, { secrets: valid })).toThrow(
      `${none}workload identity is not supported by this version: leave out clientID `,
    );
  });
});
