import { describe, expect, test } from "vitest";
import type { PodRef, Volume } from "../../../../src/model.ts";
import { parseParameters, type AzureParameters } from "../../../../src/provider/azure/parameters.ts";

const pod: PodRef = { namespace: "default", name: "web", uid: "u1" };
const valid = { keyvaultName: "kv1", tenantID: "t1", objects: "array: []" };

function parse(parameters: Record<string, string>, who: Partial<PodRef> = {}): AzureParameters {
  const volume: Volume = { id: "v", targetPath: "/t", kubeletRoot: "/k", className: "c", pod: { ...pod, ...who } };
  return parseParameters({ volume, parameters });
}

describe("parseParameters()", () => {
  test("values are trimmed, keys that are unknown or of another case ignored", () => {
    const given = {
      ...valid,
      keyvaultName: "\t kv1 \u00a0",
      clientID: " c ",
      userAssignedIdentityID: " u ",
      "csi.storage.k8s.io/serviceAccount.name": "shop",
      cloudName: " AzureCloud ",
      cloudEnvFileName: " /f ",
      KeyvaultName: "no",
      constructor: "no",
    };
    expect(parse(given)).toEqual({
      mode: "None",
      keyvaultName: "kv1",
      tenantId: "t1",
      cloudName: "AzureCloud",
      cloudEnvFileName: "/f",
      clientId: "c",
      userAssignedIdentityId: "u",
      serviceAccountName: "shop",
      objects: "array: []",
    });
  });
  test("tenantID goes before tenantId, which still serves", () => {
    expect(parse({ ...valid, tenantId: "old" }).tenantId).toBe("t1");
    expect(parse({ ...valid, tenantID: " ", tenantId: "old" }).tenantId).toBe("old");
  });
  test.each([
    ["usePodIdentity", "true", "PodIdentity"],
    ["useVMManagedIdentity", " True ", "VMManagedIdentity"],
    ["useAzureTokenProxy", "1", "AzureTokenProxy"],
    ["useAzureTokenProxy", "FALSE", "None"],
    ["usePodIdentity", " ", "None"],
  ])("%s %j is mode %s", (parameter, text, mode) => {
    expect(parse({ ...valid, [parameter]: text }).mode).toBe(mode);
  });

  const switches = ["usePodIdentity", "useVMManagedIdentity", "useAzureTokenProxy"];
  const only = `only one identity mode can be enabled at a time: ${switches[0]}, ${switches[1]}, or ${switches[2]}`;
  test.each<[string, Record<string, string>, Partial<PodRef>, string]>([
    ["no pod name", {}, { name: " " }, "pod name is not provided"],
    ["no namespace", {}, { namespace: "" }, "pod namespace is not provided"],
    ...switches.map((name) => {
      const message = `failed to parse ${name} flag, error: strconv.ParseBool: parsing "tru": invalid syntax`;
      return [`${name} tru`, { [name]: "tru" }, {}, message] satisfies [string, object, object, string];
    }),
    ["two modes", { usePodIdentity: "true", useVMManagedIdentity: "true" }, {}, only],
    ["three modes", Object.fromEntries(switches.map((name) => [name, "t"])), {}, only],
    ["no vault", { tenantID: "t1" }, {}, "keyvaultName is not provided"],
    ["a blank vault", { ...valid, keyvaultName: "  " }, {}, "keyvaultName is not provided"],
    ["no tenant", { keyvaultName: "kv1" }, {}, "tenantId is not provided"],
  ])("%s is refused", (_, parameters, who, message) => {
    expect(() => parse(parameters, who)).toThrow(expect.objectContaining({ reason: "InvalidRequest", message }));
  });
});
