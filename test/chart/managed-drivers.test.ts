import { describe, expect, test } from "vitest";
import { evaluate } from "./helm.ts";

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
});
