import { describe, expect, test } from "vitest";
import { evaluate, render } from "./helm.ts";

describe("a driver that is managed by somebody else", () => {
  test.each([
    ["kube-system/aks-secrets-store-csi-driver", /AKS add-on.*az aks disable-addons.*docs\/migrate\.md/],
    [
      "openshift-cluster-csi-drivers/secrets-store-csi-driver-node",
      /Operator.*secrets-store-csi-driver\.install=false/,
    ],
  ])("is refused with the reason and the remedy: %s", (daemonSet, why) => {
    expect(() => evaluate(`include "akv.refuseManagedDriver" "${daemonSet}"`)).toThrow(why);
  });

  test("is not looked for where nothing of a driver is there", () => {
    expect(render().daemonSet.metadata?.name).toBe("secrets-store-csi-driver");
    expect(evaluate('include "akv.refuseManagedDrivers" (list "demo" (dict))')).toBe("");
  });
});
