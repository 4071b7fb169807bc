import { expect, test } from "vitest";
import { patternOf } from "../fakes/source-texts.ts";
import { ofHelm } from "../fakes/troubleshooting-page.ts";
import { evaluate, render, renderProvider } from "./helm.ts";

const driver = "secrets-store-csi-driver";
const windowsNode = '(dict "metadata" (dict "name" "n" "labels" (dict "kubernetes.io/os" "windows")))';

/** Makes Helm refuse, by the text of docs/troubleshooting.md. */
const refusals: Readonly<Record<string, () => unknown>> = {
  "<key> is no key of this chart": () => render({ enableSecretRotation: true }),
  "is one name with dots in it": () => render({ [`${driver}.enableSecretRotation`]: true }),
  "values don't meet the specifications of the schema(s) in the following chart(s)": () => render({ logVerbosity: 11 }),
  "<one> and <other> are both port <port>: give one of them another": () =>
    render({ [driver]: { livenessProbe: { port: 8898 } } }),
  "startupTaint needs admissionPolicy.enabled=true": () =>
    render({ startupTaint: "example.com/wait", admissionPolicy: { enabled: false } }),
  "startupTaint=<taint>: no toleration fits it": () =>
    render({ startupTaint: "example.com/wait", linux: { tolerations: [] } }),
  "monitoring.<name> is about the plugin, which secrets-store-csi-driver.install=false leaves out": () =>
    renderProvider({ monitoring: { dashboard: { enabled: true } } }),
  "cannot be added to other resources: write it with": () =>
    render({ linux: { resources: { limits: { memory: "1Zi" } } } }),
  "updateStrategy.rollingUpdate.maxSurge=<count> cannot work": () =>
    render({ [driver]: { linux: { updateStrategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } } } }),
  "DaemonSet <daemonset> is managed by": () =>
    evaluate('include "akv.refuseManagedDriver" "kube-system/aks-secrets-store-csi-driver"'),
  "node <node> runs Windows, and windows.enabled=true asks for the driver there": () =>
    evaluate(`include "akv.refuseWindowsNodes" (list . (list ${windowsNode}))`),
};

test("each text that docs/troubleshooting.md has of Helm is held here", () => {
  expect(ofHelm.toSorted()).toEqual(Object.keys(refusals).toSorted());
});

test.each(Object.entries(refusals))("Helm says: %s", (text, refuse) => {
  expect(refuse).toThrow(patternOf(text));
});
