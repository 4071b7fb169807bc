import { describe, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import type { MountRequest__Output as MountRequest } from "../../../src/grpc/generated/v1alpha1/MountRequest.ts";
import { parseMountRequest } from "../../../src/provider-socket/mount-request.ts";
import { aMountMessage, anAttributes } from "../../fakes/established-driver.ts";
import { aContext, aPodUid, aTarget, tokensKey } from "../../fakes/messages.ts";

const parse = (changes: Partial<MountRequest> = {}) => parseMountRequest(aMountMessage(changes) as MountRequest);

function refusalOf(changes: Partial<MountRequest>): string {
  try {
    parse(changes);
  } catch (error) {
    if (error instanceof DriverError && error.reason === "InvalidRequest") return error.message;
  }
  return expect.fail("not refused");
}

test("a Mount of the driver becomes what the provider is asked for", () => {
  expect(parse({ attributes: anAttributes({ keyvaultName: "kv1" }), secrets: '{"clientid":"c"}' })).toEqual({
    volume: {
      targetPath: aTarget,
      kubeletRoot: "/var/lib/kubelet",
      pod: { namespace: "shop", name: "web-0", uid: aPodUid },
      className: "vault",
    },
    parameters: { ...aContext(), keyvaultName: "kv1" },
    credentials: { secrets: { clientid: "c" } },
    fileMode: 0o644,
  });
});

test("versions that are there already say nothing", () => {
  expect(parse({ currentObjectVersion: [{ id: "secret/a", version: "1" }] })).toEqual(parse());
});

test("a volume of no class can be asked for: the parameters are here", () => {
  expect(parse({ attributes: anAttributes({ secretProviderClass: undefined }) }).volume.className).toBe("");
});

describe("credentials:", () => {
  const tokens = '{"aud":{"token":"t"}}';
  const others = '{"aud":{"token":"u"}}';
  test.each([
    ["no Secret", "null", {}, {}],
    ["an empty Secret", "{}", {}, { secrets: {} }],
    ["a Secret", '{"clientid":"c"}', {}, { secrets: { clientid: "c" } }],
    ["tokens among the attributes", "null", { [tokensKey]: tokens }, { serviceAccountTokens: tokens }],
    ["tokens alone in the secrets", JSON.stringify({ [tokensKey]: tokens }), {}, { serviceAccountTokens: tokens }],
    [
      "tokens in both places: the secrets' count",
      JSON.stringify({ a: "b", [tokensKey]: tokens }),
      { [tokensKey]: others },
      { secrets: { a: "b" }, serviceAccountTokens: tokens },
    ],
    [
      "empty tokens in the secrets",
      JSON.stringify({ [tokensKey]: "" }),
      { [tokensKey]: others },
      { serviceAccountTokens: others },
    ],
  ])("%s", (_, secrets, context, credentials) => {
    const { parameters, ...request } = parse({ secrets, attributes: anAttributes(context) });
    expect(request.credentials).toEqual(credentials);
    expect(parameters).not.toHaveProperty(tokensKey);
  });
});

describe("the first fault is told:", () => {
  const none = { attributes: "", secrets: "", permission: "", targetPath: "" };
  test.each([
    ["an empty message", none, "failed to unmarshal attributes, error: unexpected end of JSON input"],
    [
      "no secrets",
      { ...none, attributes: '{"keyvaultName":"kv"}' },
      "failed to unmarshal secrets, error: unexpected end of JSON input",
    ],
    [
      "no permission",
      { ...none, attributes: '{"keyvaultName":"kv"}', secrets: "{}" },
      "failed to unmarshal file permission, error: unexpected end of JSON input",
    ],
    ["no pod name", { attributes: "{}", targetPath: "" }, "failed to mount objects, error: pod name is not provided"],
    ["attributes null", { attributes: "null" }, "failed to mount objects, error: pod name is not provided"],
    [
      "a blank pod name",
      { attributes: anAttributes({ "csi.storage.k8s.io/pod.name": " " }) },
      "failed to mount objects, error: pod name is not provided",
    ],
    [
      "no namespace",
      { attributes: anAttributes({ "csi.storage.k8s.io/pod.namespace": undefined }) },
      "failed to mount objects, error: pod namespace is not provided",
    ],
    ["no target", { targetPath: "" }, "target_path is missing"],
    ["a long target", { targetPath: `/${"p".repeat(5000)}` }, "target_path is longer than 4095 bytes"],
    [
      "a target that is not kubelet's",
      { targetPath: "/tmp/csi/mount" },
      "target_path must be <kubelet root>/pods/<uid>/volumes/kubernetes.io~csi/<volume>/mount, in clean form",
    ],
    [
      "no UID",
      { attributes: anAttributes({ "csi.storage.k8s.io/pod.uid": undefined }) },
      "attributes csi.storage.k8s.io/pod.uid is missing: the CSIDriver object must have podInfoOnMount: true",
    ],
    [
      "another pod's UID",
      { attributes: anAttributes({ "csi.storage.k8s.io/pod.uid": "other" }) },
      "attributes csi.storage.k8s.io/pod.uid is not the pod UID in target_path, so who asks is not certain",
    ],
    [
      "a namespace that is no name",
      { attributes: anAttributes({ "csi.storage.k8s.io/pod.namespace": "a/../b" }) },
      "attributes csi.storage.k8s.io/pod.namespace must be letters, digits, '-' and '.', beginning and ending with a letter or digit",
    ],
  ])("%s", (_, changes, message) => {
    expect(refusalOf(changes)).toBe(message);
  });
});
