import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Credentials } from "../../../../src/model.ts";
import { chooseIdentity, identityKey, type Identity } from "../../../../src/provider/azure/identity.ts";
import type { AzureParameters } from "../../../../src/provider/azure/parameters.ts";
import { customCloud } from "../../../fakes/azure-means.ts";
import {
  bindingAudience,
  exchangeAudience,
  serviceAccountJwt,
  tokensJson,
} from "../../../fakes/service-account-tokens.ts";

const cloud = customCloud("https://login.example/", "vault.example");
const pod = { namespace: "shop", name: "web-1", uid: "u1" };
const volume = { id: "v", targetPath: "/t", kubeletRoot: "/k", className: "c", pod };
const valid = { clientid: "c1", clientsecret: "s1" };
const serviceAccountTokens = tokensJson({
  [exchangeAudience]: serviceAccountJwt(),
  [bindingAudience]: serviceAccountJwt({ audience: bindingAudience }),
});

function choose(change: Partial<AzureParameters>, credentials: Credentials): Identity {
  const blank = { cloudName: "", cloudEnvFileName: "", clientId: "", userAssignedIdentityId: "", objects: "" };
  const required = { mode: "None", keyvaultName: "kv1", tenantId: "t1", serviceAccountName: "web" } as const;
  const parameters: AzureParameters = { ...required, ...blank, ...change };
  return chooseIdentity({ parameters, cloud, request: { volume, credentials }, now: new Date() });
}

describe("a service principal", () => {
  test("comes from nodePublishSecretRef", () => {
    const principal = { kind: "servicePrincipal", tenantId: "t1", clientId: "c1", clientSecret: "s1", cloud };
    expect(choose({}, { secrets: valid })).toEqual(principal);
  });
  test("keys are read in any case, values as they are", () => {
    const secrets = { ClientID: "c1\n", CLIENTSECRET: " s1 " };
    expect(choose({}, { secrets })).toMatchObject({ clientId: "c1\n", clientSecret: " s1 " });
  });
  test("tokens beside them do not matter", () => {
    const secrets = { ...valid, "csi.storage.k8s.io/serviceAccount.tokens": "{}" };
    expect(choose({}, { secrets, serviceAccountTokens })).toMatchObject({ clientId: "c1" });
  });
});

describe("workload identity and identity binding", () => {
  test("a clientID alone is workload identity, whatever secrets there are", () => {
    const identity = choose({ clientId: "c1" }, { secrets: valid, serviceAccountTokens });
    expect(identity).toMatchObject({ kind: "workload", tenantId: "t1", clientId: "c1" });
    expect(identity).toMatchObject({
      token: { account: { namespace: "shop", name: "web" }, audience: exchangeAudience },
    });
  });
  test("the token proxy gets the token of its own audience", () => {
    const identity = choose({ mode: "AzureTokenProxy", clientId: "c1" }, { serviceAccountTokens });
    expect(identity).toMatchObject({ kind: "binding", clientId: "c1", token: { audience: bindingAudience } });
  });
});

describe("managed identity and pod identity", () => {
  test.each([
    ["", "", "the one that the system assigned"],
    ["u1", "", "the one that is named"],
    ["u1", "stray", "the one that is named, whatever clientID says"],
    ["", "stray", "the one that the system assigned, whatever clientID says"],
  ])("userAssignedIdentityID %j and clientID %j, without tokens: %s", (userAssignedIdentityId, clientId) => {
    const identity = choose({ mode: "VMManagedIdentity", userAssignedIdentityId, clientId }, {});
    expect(identity).toEqual({ kind: "managed", cloud, clientId: userAssignedIdentityId });
  });
  test("pod identity is the pod, whatever clientID says", () => {
    expect(choose({ mode: "PodIdentity", clientId: "stray" }, {})).toEqual({ kind: "pod", cloud, pod });
  });
});

describe("what does not prove an identity", () => {
  const failed = (mode: string): string => `failed to build auth config for mode ${mode}: `;
  const none = failed("None");
  const unset = `${none}failed to get credentials, nodePublishSecretRef secret is not set: `;
  const workload = `${none}failed to parse workload identity tokens, error: `;
  const proxy = failed("AzureTokenProxy");
  const foreign = tokensJson({
    [exchangeAudience]: serviceAccountJwt({ subject: "system:serviceaccount:shop:other" }),
  });
  test.each<[string, Partial<AzureParameters>, Credentials, string]>([
    ["no Secret", {}, {}, unset],
    ["tokens only", {}, { secrets: { "csi.storage.k8s.io/serviceAccount.tokens": "{}" } }, unset],
    ["an empty Secret", {}, { secrets: {} }, `${none}could not find clientid in secrets`],
    ["no client id", {}, { secrets: { clientsecret: "s1" } }, `${none}could not find clientid in secrets`],
    ["a blank id", {}, { secrets: { clientid: " ", clientsecret: "s1" } }, `${none}could not find clientid in secrets`],
    ["no client secret", {}, { secrets: { clientid: "c1" } }, `${none}could not find clientsecret in secrets`],
    ["clientID, no tokens", { clientId: "c1" }, { secrets: valid }, `${workload}service account tokens not found`],
    [
      "clientID, tokens for another audience",
      { clientId: "c1" },
      { serviceAccountTokens: tokensJson({ other: "t" }) },
      `${workload}token for audience api://AzureADTokenExchange not found`,
    ],
    [
      "clientID, a token of another service account",
      { clientId: "c1" },
      { serviceAccountTokens: foreign },
      `${workload}token for audience api://AzureADTokenExchange is not one of service account shop/web`,
    ],
    [
      "clientID, and kubelet does not say the service account",
      { clientId: "c1", serviceAccountName: "" },
      { serviceAccountTokens },
      `${workload}token for audience api://AzureADTokenExchange is not one of service account shop/`,
    ],
    [
      "a token proxy without clientID",
      { mode: "AzureTokenProxy" },
      { serviceAccountTokens },
      `${proxy}clientID is required for identity binding`,
    ],
    [
      "a token proxy without tokens",
      { mode: "AzureTokenProxy", clientId: "c1" },
      {},
      `${proxy}service account tokens are required for identity binding`,
    ],
    [
      "a token proxy with a token of the other audience",
      { mode: "AzureTokenProxy", clientId: "c1" },
      { serviceAccountTokens: tokensJson({ [exchangeAudience]: serviceAccountJwt() }) },
      `${proxy}failed to parse service account token for identity binding, error: token for audience api://AKSIdentityBinding not found`,
    ],
  ])("%s", (_, change, credentials, message) => {
    expect(() => choose(change, credentials)).toThrow(expect.objectContaining({ reason: "InvalidRequest" }));
    expect(() => choose(change, credentials)).toThrow(message);
  });
});

describe("identityKey()", () => {
  const workload = (change: Partial<AzureParameters> = {}): Identity =>
    choose({ clientId: "c1", ...change }, { serviceAccountTokens });
  const federated = (namespace: string, name: string): Identity => {
    const subject = `system:serviceaccount:${namespace}:${name}`;
    const tokens = tokensJson({ [exchangeAudience]: serviceAccountJwt({ subject }) });
    const request = {
      volume: { ...volume, pod: { ...pod, namespace } },
      credentials: { serviceAccountTokens: tokens },
    };
    const blank = { cloudName: "", cloudEnvFileName: "", userAssignedIdentityId: "", objects: "" };
    const named = { mode: "None", keyvaultName: "kv1", tenantId: "t1", clientId: "c1" } as const;
    return chooseIdentity({
      parameters: { ...blank, ...named, serviceAccountName: name },
      cloud,
      request,
      now: new Date(),
    });
  };
  const principal = (clientSecret: string): Identity =>
    choose({}, { secrets: { clientid: "c1", clientsecret: clientSecret } });

  test("tokens of one service account are one key, whatever pod they are bound to", () => {
    const other = tokensJson({
      [exchangeAudience]: serviceAccountJwt({ id: "2", expiresAt: new Date(Date.now() + 60_000) }),
    });
    expect(identityKey(choose({ clientId: "c1" }, { serviceAccountTokens: other }))).toBe(identityKey(workload()));
  });
  test.each<[string, Identity, Identity]>([
    ["service accounts", workload(), federated("shop", "admin")],
    ["namespaces", workload(), federated("bank", "web")],
    ["namespaces whose names run into the account's", federated("a-b", "c"), federated("a", "b-c")],
    ["client ids", workload(), workload({ clientId: "c2" })],
    ["tenants", workload(), workload({ tenantId: "t2" })],
    ["ways", workload(), workload({ mode: "AzureTokenProxy" })],
    ["authorities", workload(), { ...workload(), cloud: { ...cloud, authorityHost: "https://other/" } }],
    ["suffixes", workload(), { ...workload(), cloud: { ...cloud, vaultSuffix: "other" } }],
    ["client secrets", principal("s1"), principal("s2")],
    ["managed identities", { kind: "managed", cloud, clientId: "" }, { kind: "managed", cloud, clientId: "system" }],
    ["pods", { kind: "pod", cloud, pod }, { kind: "pod", cloud, pod: { ...pod, uid: "u2" } }],
    [
      "resources of pod identity",
      { kind: "pod", cloud, pod },
      { kind: "pod", cloud: { ...cloud, keyVaultEndpoint: "https://other/" }, pod },
    ],
    [
      "kinds",
      { kind: "managed", cloud, clientId: "u1" },
      { kind: "pod", cloud: { ...cloud, keyVaultEndpoint: "" }, pod },
    ],
  ])("different %s are different keys", (_, one, other) => {
    expect(identityKey(one)).not.toBe(identityKey(other));
  });
  test("a secret is in it as a hash only", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4 }), (clientSecret) => {
        const key = identityKey({ kind: "servicePrincipal", cloud, tenantId: "t", clientId: "c", clientSecret });
        expect(key).toMatch(/^[0-9a-f]{64}$/);
      }),
    );
  });
});
