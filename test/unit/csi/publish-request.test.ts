import { describe, expect, test } from "vitest";
import { parsePublishRequest, parseUnpublishRequest, type PodOverrides } from "../../../src/csi/publish-request.ts";
import { toStatus, type WireStatus } from "../../../src/grpc/status.ts";
import type { PublishRequest } from "../../../src/model.ts";
import { aCapability, aContext, aPodUid, aPublishMessage, aTarget, tokensKey } from "../../fakes/messages.ts";

type Changes = Parameters<typeof aPublishMessage>[0];

const INVALID_ARGUMENT = 3;
const group = "volume_mount_group must be a group id from 0 to 4294967294: correct fsGroup of the pod";
const target = "target_path must be <kubelet root>/pods/<uid>/volumes/kubernetes.io~csi/<volume>/mount, in clean form";
const podInfo = "is missing: the CSIDriver object must have podInfoOnMount: true";
const className = "volume_context secretProviderClass";
const shape = "must be letters, digits, '-' and '.', beginning and ending with a letter or digit";
const podName = "csi.storage.k8s.io/pod.name";
const podNamespace = "csi.storage.k8s.io/pod.namespace";
const podUid = "csi.storage.k8s.io/pod.uid";

function parse(changes: Changes = {}, overrides: PodOverrides = "all"): PublishRequest {
  return parsePublishRequest(aPublishMessage(changes), overrides);
}

/** The answer to a call that must fail. */
function answerTo(call: () => unknown): WireStatus {
  try {
    call();
  } catch (error) {
    return toStatus(error, new AbortController().signal);
  }
  throw new Error("the message was accepted");
}

function targetOf(uid: string): string {
  return `/var/lib/kubelet/pods/${uid}/volumes/kubernetes.io~csi/secrets/mount`;
}

const context = (changes: Parameters<typeof aContext>[0]): Changes => ({ volumeContext: aContext(changes) });
const longName = "a".repeat(254);

const refusals: readonly (readonly [name: string, changes: Changes, message: string])[] = [
  ["no capability", { volumeCapability: null }, "volume_capability is missing"],
  [
    "a block device",
    { volumeCapability: { accessMode: null, block: {}, accessType: "block" } },
    "volume_capability asks for a block device: only mounted volumes are served",
  ],
  ["a group that is a name", { volumeCapability: aCapability("staff") }, group],
  ["a negative group", { volumeCapability: aCapability("-1") }, group],
  ["a group with a sign", { volumeCapability: aCapability("+1") }, group],
  ["a group in hexadecimal", { volumeCapability: aCapability("0x10") }, group],
  ["a group with a line end", { volumeCapability: aCapability("10\n") }, group],
  ["the group that means no change to chown", { volumeCapability: aCapability("4294967295") }, group],
  ["a group with too many digits", { volumeCapability: aCapability("00000000001") }, group],
  ["no volume id", { volumeId: "" }, "volume_id is missing"],
  ["a volume id of 129 bytes", { volumeId: "a".repeat(129) }, "volume_id is longer than 128 bytes"],
  ["a volume id of 129 bytes in 43 characters", { volumeId: "€".repeat(43) }, "volume_id is longer than 128 bytes"],
  ["no target path", { targetPath: "" }, "target_path is missing"],
  ["a target path of 4096 bytes", { targetPath: `/${"a".repeat(4095)}` }, "target_path is longer than 4095 bytes"],
  ["a target path elsewhere", { targetPath: "/etc" }, target],
  ["a target path that climbs", { targetPath: `/var/../${aTarget}` }, target],
  ["no volume context", { volumeContext: {} }, "volume_context is missing"],
  ["a volume context of tokens alone", { volumeContext: { [tokensKey]: "{}" } }, "volume_context is missing"],
  ["no pod name", context({ [podName]: undefined }), `volume_context ${podName} ${podInfo}`],
  ["an empty pod name", context({ [podName]: "" }), `volume_context ${podName} ${podInfo}`],
  ["a pod name of two segments", context({ [podName]: "a/b" }), `volume_context ${podName} ${shape}`],
  ["a pod name of 254 bytes", context({ [podName]: longName }), `volume_context ${podName} is longer than 253 bytes`],
  ["no namespace", context({ [podNamespace]: undefined }), `volume_context ${podNamespace} ${podInfo}`],
  ["a namespace that climbs", context({ [podNamespace]: ".." }), `volume_context ${podNamespace} ${shape}`],
  ["a namespace with a line end", context({ [podNamespace]: "shop\n" }), `volume_context ${podNamespace} ${shape}`],
  [
    "a namespace of 64 bytes",
    context({ [podNamespace]: "a".repeat(64) }),
    `volume_context ${podNamespace} is longer than 63 bytes`,
  ],
  ["no pod UID", context({ [podUid]: undefined }), `volume_context ${podUid} ${podInfo}`],
  ["a pod UID with a query", context({ [podUid]: "a?b" }), `volume_context ${podUid} ${shape}`],
  [
    "another pod's UID",
    context({ [podUid]: "11111111-0d0b-4a55-9d0b-5c4f2f7b1f3e" }),
    `volume_context ${podUid} is not the pod UID in target_path, so who asks is not certain`,
  ],
  [
    "another pod's target path",
    { targetPath: targetOf("11111111-0d0b-4a55-9d0b-5c4f2f7b1f3e") },
    `volume_context ${podUid} is not the pod UID in target_path, so who asks is not certain`,
  ],
  [
    "no class",
    context({ secretProviderClass: undefined }),
    `${className} is missing: name the SecretProviderClass in the pod's volumeAttributes`,
  ],
  [
    "an empty class",
    context({ secretProviderClass: "" }),
    `${className} is missing: name the SecretProviderClass in the pod's volumeAttributes`,
  ],
  ["a class of another namespace", context({ secretProviderClass: "../x" }), `${className} ${shape}`],
  ["a class of 254 bytes", context({ secretProviderClass: longName }), `${className} is longer than 253 bytes`],
  [
    "a pod status name of 254 characters",
    context({ [podName]: "a".repeat(200), secretProviderClass: "b".repeat(48) }),
    "volume_context makes a pod status name longer than 253 characters (<pod>-<namespace>-<SecretProviderClass>): " +
      "shorten the name of the pod or of the SecretProviderClass",
  ],
  ["a writable volume", { readonly: false }, "readonly must be true: set readOnly: true on the pod's csi volume"],
];

describe("a publish is refused by field for", () => {
  test.each(refusals)("%s", (_name, changes, message) => {
    expect(answerTo(() => parse(changes))).toEqual({ code: INVALID_ARGUMENT, details: message });
  });
});

describe("a valid publish", () => {
  test("becomes a volume of its pod, the attributes and no credentials", () => {
    expect(parse()).toEqual({
      volume: {
        id: "csi-4f1d",
        targetPath: aTarget,
        kubeletRoot: "/var/lib/kubelet",
        pod: { namespace: "shop", name: "web-0", uid: aPodUid },
        className: "vault",
      },
      attributes: aContext(),
      credentials: {},
    });
  });

  test.each([
    ["0", 0],
    ["2000", 2000],
    ["4294967294", 4_294_967_294],
  ])("hands over the pod's group %s", (text, gid) => {
    expect(parse({ volumeCapability: aCapability(text) }).volume.group).toBe(gid);
  });

  test("may use every field to its limit", () => {
    const changes = { [podName]: "a".repeat(200), secretProviderClass: "b".repeat(47) };
    expect(parse({ volumeId: "a".repeat(128), ...context(changes) }).volume.className).toHaveLength(47);
  });

  test("needs no kind of access named", () => {
    expect(parse({ volumeCapability: { accessMode: null } }).volume.group).toBeUndefined();
  });
});

describe("credentials", () => {
  test("take tokens from the secrets field first", () => {
    const { attributes, credentials } = parse({
      secrets: { [tokensKey]: "from secrets" },
      ...context({ [tokensKey]: "from context" }),
    });
    expect(credentials).toEqual({ serviceAccountTokens: "from secrets", tokensInSecrets: true });
    expect(attributes).not.toHaveProperty([tokensKey]);
  });

  test("take tokens from the volume context second, and leave none there", () => {
    const { attributes, credentials } = parse({
      secrets: { [tokensKey]: "" },
      ...context({ [tokensKey]: "from context" }),
    });
    expect(credentials).toEqual({ serviceAccountTokens: "from context" });
    expect(attributes).not.toHaveProperty([tokensKey]);
  });

  test("hold the data of nodePublishSecretRef without kubelet's own keys", () => {
    const secrets = { clientid: "id", clientsecret: "secret", "csi.storage.k8s.io/pod.name": "forged" };
    expect(parse({ secrets }).credentials).toEqual({ secrets: { clientid: "id", clientsecret: "secret" } });
  });
});

describe("pod overrides", () => {
  test("are taken when all are allowed", () => {
    expect(parse(context({ tenantId: "mine" }), "all").attributes).toHaveProperty("tenantId", "mine");
  });

  test("are refused by name when none are allowed", () => {
    const changes = context({ tenantId: "mine", clientID: "mine" });
    expect(answerTo(() => parse(changes, "none"))).toEqual({
      code: INVALID_ARGUMENT,
      details:
        "volume_context overrides SecretProviderClass parameters (clientID, tenantId), which --pod-overrides=none " +
        "forbids: remove them from the pod's volumeAttributes",
    });
  });

  test("that are none leave the class and kubelet's own keys, tokens included", () => {
    expect(parse(context({ [tokensKey]: "{}" }), "none").attributes).toEqual(aContext());
  });
});

describe("an unpublish", () => {
  test("names its target", () => {
    expect(parseUnpublishRequest({ volumeId: "csi-4f1d", targetPath: aTarget })).toBe(aTarget);
  });

  test.each([
    ["no volume id", { volumeId: "", targetPath: aTarget }, "volume_id is missing"],
    [
      "an over-long volume id",
      { volumeId: "a".repeat(129), targetPath: aTarget },
      "volume_id is longer than 128 bytes",
    ],
    ["no target path", { volumeId: "csi-4f1d", targetPath: "" }, "target_path is missing"],
    ["a target path elsewhere", { volumeId: "csi-4f1d", targetPath: "/var/lib/kubelet" }, target],
    [
      "an over-long target path",
      { volumeId: "csi-4f1d", targetPath: `/${"a".repeat(4095)}` },
      "target_path is longer than 4095 bytes",
    ],
  ])("is refused for %s", (_name, message, details) => {
    expect(answerTo(() => parseUnpublishRequest(message))).toEqual({ code: INVALID_ARGUMENT, details });
  });
});
