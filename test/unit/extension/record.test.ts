import { describe, expect, test } from "vitest";
import { protectedIn, recordOf, withIdentity, type Identity } from "../../../src/extension/record.ts";
import type { ChartValues, ReleaseDetail, ReleaseStatus } from "../../../src/model.ts";
import { shapeOf, tutorialTexts } from "../../fakes/extension-tutorial.ts";

const asInTheTutorial: Identity = {
  clusterName: "$CLUSTER_NAME",
  resourceGroup: "$RESOURCE_GROUP",
  subscription: "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
  extensionType: "Microsoft.AzureKeyVaultSecretsProvider",
  releaseTrain: "preview",
  autoUpgradeMinorVersion: true,
};
const time = "2021-11-15T21:17:52.751916000Z";

function record(values: ChartValues, detail: Partial<ReleaseDetail> = {}) {
  const summary = { ref: { namespace: "kube-system", name: "akvsecretsprovider" }, version: "1.0.0" };
  return recordOf(summary, { status: "deployed", firstDeployed: time, lastDeployed: time, values, ...detail });
}

describe("the record of an extension", () => {
  test("is what the tutorial prints, but for the identity, which there is not", () => {
    const printed = JSON.parse(tutorialTexts.shown) as object;
    const nobody = { principalId: null, tenantId: null, type: null };
    expect(record(withIdentity({}, asInTheTutorial, []))).toEqual({ ...printed, identity: nobody });
  });

  test("has the tutorial's keys, in its order", () => {
    const keys = (value: unknown): string => JSON.stringify(shapeOf(value)).replaceAll(/"(null|string|object)"/g, "?");
    expect(keys(record(withIdentity({}, asInTheTutorial, [])))).toBe(keys(JSON.parse(tutorialTexts.shown)));
  });

  test("of a release that plain Helm installed has null for what nobody said", () => {
    expect(record({})).toMatchObject({ id: null, resourceGroup: null, releaseTrain: null, extensionType: null });
  });

  test("has an id of Azure's form where no subscription was said", () => {
    const { id } = record(withIdentity({}, { clusterName: "c", resourceGroup: "g" }, []));
    expect(id).toBe(
      "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g/providers/Microsoft.Kubernetes/" +
        "connectedClusters/c/providers/Microsoft.KubernetesConfiguration/extensions/akvsecretsprovider",
    );
  });

  test.each<[ReleaseStatus, string | null]>([
    ["deployed", "Succeeded"],
    ["failed", "Failed"],
    ["pending-install", "Creating"],
    ["pending-upgrade", "Updating"],
    ["pending-rollback", "Updating"],
    ["uninstalling", "Deleting"],
    ["unknown", null],
  ])("calls %s %s", (status, state) => {
    const { provisioningState, errorInfo } = record({}, { status });
    expect(provisioningState).toBe(state);
    expect(errorInfo !== null).toBe(status === "failed");
  });

  test.each([
    ["2026-11-30T20:41:36.123456789Z", "2026-11-30T20:41:36.123456+00:00"],
    ["2026-11-30T20:41:36.5+02:00", "2026-11-30T18:41:36.500000+00:00"],
    ["2026-11-30T20:41:36Z", "2026-11-30T20:41:36.000000+00:00"],
    ["", null],
  ])("writes the time %s as %s", (firstDeployed, createdAt) => {
    expect(record({}, { firstDeployed }).systemData.createdAt).toBe(createdAt);
  });
});

describe("settings in the record", () => {
  test("are texts under the names that a user would write", () => {
    const values = {
      "secrets-store-csi-driver": { enableSecretRotation: true },
      linux: { env: [{ name: "A" }] },
      logVerbosity: 2,
    };
    expect(record(withIdentity(values, asInTheTutorial, [])).configurationSettings).toEqual({
      "linux.env": '[{"name":"A"}]',
      logVerbosity: "2",
      "secrets-store-csi-driver.enableSecretRotation": "true",
    });
  });

  test.each<[string, ChartValues]>([
    ["Azure.proxySettings.httpsProxy", { Azure: { proxySettings: { httpsProxy: "hunter2" } } }],
    ["Azure.proxySettings", { Azure: { proxySettings: { httpsProxy: "hunter2" } } }],
    ["linux.env[0].value", { linux: { env: [{ name: "A", value: "hunter2" }] } }],
    ["linux.env[0].value", { linux: { env: [{ name: "A", value: { b: "hunter2" } }] } }],
  ])("that are protected are named and not shown: %s", (name, values) => {
    const printed = record(withIdentity({ ...values, logVerbosity: 1 }, {}, [name]));
    expect(JSON.stringify(printed)).not.toContain("hunter2");
    expect(printed.configurationProtectedSettings).toEqual({ [name]: "" });
    expect(printed.configurationSettings).toEqual({ logVerbosity: "1" });
  });
});

test("what is not said of the identity stays as it was, and what else a request has is not kept", () => {
  const before = withIdentity({ a: 1 }, asInTheTutorial, ["x"]);
  const request = { releaseTrain: "stable", name: "n", output: "json" };
  const after = withIdentity(before, request, []);
  expect(after).toEqual({
    a: 1,
    extension: { ...(before["extension"] as object), releaseTrain: "stable", protectedSettings: [] },
  });
  expect(protectedIn(before)).toEqual(["x"]);
});
