import { status, type ServiceError } from "@grpc/grpc-js";
import { existsSync, mkdirSync, rmdirSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startEmulator, type Emulator } from "../../src/emulator/emulator.ts";
import { createKubelet, type Kubelet, type KubeletOptions } from "../../src/emulator/kubelet.ts";
import { csi } from "../../src/grpc/descriptors.ts";
import type { NodePublishVolumeRequest__Output as PublishMessage } from "../../src/grpc/generated/csi/v1/NodePublishVolumeRequest.ts";
import type { NodeUnpublishVolumeRequest__Output as UnpublishMessage } from "../../src/grpc/generated/csi/v1/NodeUnpublishVolumeRequest.ts";
import type { NodeHandlers } from "../../src/grpc/generated/csi/v1/Node.ts";
import { listen, type RunningServer, type Service } from "../../src/grpc/server.ts";

let dir: string;
let emulator: Emulator;
let server: RunningServer;
let kubelet: Kubelet;
let options: KubeletOptions;
let uid: string;

/** What the fake plugin was asked, and how it answers a publish. */
let published: PublishMessage[] = [];
let unpublished: UnpublishMessage[] = [];
let asked: string[] = [];
let answer: status | undefined;
let group = true;

interface ServiceAccountToken {
  readonly token: string;
  readonly expirationTimestamp: string;
}

const tokensKey = "csi.storage.k8s.io/serviceAccount.tokens";
const pod = `
apiVersion: v1
kind: Pod
metadata: { name: web, namespace: default }
spec:
  serviceAccountName: shop
  securityContext: { fsGroup: 2000 }
  volumes:
    - { name: scratch, emptyDir: {} }
    - name: secrets
      csi:
        driver: secrets-store.csi.k8s.io
        readOnly: true
        volumeAttributes: { secretProviderClass: vault }
        nodePublishSecretRef: { name: creds }
---
apiVersion: v1
kind: Secret
metadata: { name: creds }
stringData: { clientid: abc, clientsecret: "def\\n" }
`;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "emulator-kubelet-"));
  emulator = await startEmulator({ dir, ports: { entra: 0, vault: 0, kubernetes: 0 } });
  const socketPath = join(dir, "csi.sock");
  server = await listen([fakePlugin()], socketPath);
  const { cluster, serviceAccountKey: signingKey } = emulator;
  options = { socketPath, root: join(dir, "kubelet"), cluster, signingKey, tokensIn: "secrets" };
  kubelet = createKubelet(options);
});
afterAll(async () => {
  await server.stop(1000);
  await emulator.stop();
  await rm(dir, { recursive: true });
});
beforeEach(async () => {
  [published, unpublished, asked, answer, group] = [[], [], [], undefined, true];
  await emulator.cluster.apply(pod);
  uid = (await emulator.cluster.get({ plural: "pods", namespace: "default", name: "web" }))?.metadata.uid ?? "";
});

function fakePlugin(): Service {
  const methods: NodeHandlers = {
    NodeGetCapabilities: (call, callback) => {
      asked.push(call.getPeer());
      callback(null, { capabilities: group ? [{ rpc: { type: "VOLUME_MOUNT_GROUP" } }] : [] });
    },
    NodePublishVolume: (call, callback) => {
      published.push(call.request);
      mkdirSync(call.request.targetPath, { recursive: true });
      if (answer === undefined) callback(null, {});
      else callback({ code: answer, details: "no" });
    },
    NodeUnpublishVolume: (call, callback) => {
      unpublished.push(call.request);
      rmdirSync(call.request.targetPath);
      callback(null, {});
    },
    NodeGetInfo: (_, callback) => {
      callback(null, { nodeId: "node" });
    },
  };
  return { definition: csi.Node.service, handlers: methods };
}

test("a publish says what kubelet says: ids, paths, pod info, Secret, tokens, group", async () => {
  const [target = ""] = await kubelet.publish("web");
  expect(target).toBe(join(dir, "kubelet/pods", uid, "volumes/kubernetes.io~csi/secrets/mount"));
  const [message] = published;
  expect(message).toMatchObject({
    volumeId: expect.stringMatching(/^csi-[0-9a-f]{64}$/) as string,
    targetPath: target,
    readonly: true,
    volumeCapability: { mount: { volumeMountGroup: "2000" } },
    secrets: { clientid: "abc", clientsecret: "def\n" },
    volumeContext: {
      secretProviderClass: "vault",
      "csi.storage.k8s.io/pod.name": "web",
      "csi.storage.k8s.io/pod.namespace": "default",
      "csi.storage.k8s.io/pod.uid": uid,
      "csi.storage.k8s.io/serviceAccount.name": "shop",
      "csi.storage.k8s.io/ephemeral": "true",
    },
  });
  expect(asked).toHaveLength(2);
  expect(statSync(dirname(target)).mode & 0o777).toBe(0o750);
});

test("tokens come in the field that was chosen, or not at all", async () => {
  for (const tokensIn of ["secrets", "context", "none"] as const)
    await createKubelet({ ...options, tokensIn }).publish("web");
  const places = published.map(({ secrets, volumeContext }) => [tokensKey in secrets, tokensKey in volumeContext]);
  expect(places).toEqual([
    [true, false],
    [false, true],
    [false, false],
  ]);
});

test("a token is the pod's, for the audience that Entra takes", async () => {
  await kubelet.publish("web");
  const { "api://AzureADTokenExchange": given } = tokensOf(published[0]);
  const { token = "", expirationTimestamp = "" } = given ?? {};
  expect(decodeJwt(token)).toMatchObject({
    sub: "system:serviceaccount:default:shop",
    aud: ["api://AzureADTokenExchange"],
    "kubernetes.io": { pod: { name: "web", uid } },
    exp: Date.parse(expirationTimestamp) / 1000,
  });
});

function tokensOf(message: PublishMessage | undefined): Readonly<Partial<Record<string, ServiceAccountToken>>> {
  return JSON.parse(message?.secrets[tokensKey] ?? "{}") as Record<string, ServiceAccountToken>;
}

test("there are tokens for workload identity and identity binding, or for the audiences that were chosen", async () => {
  await kubelet.publish("web");
  await createKubelet({ ...options, audiences: ["api://AKSIdentityBinding"] }).publish("web");
  await createKubelet({ ...options, audiences: [] }).publish("web");
  expect(published.map((message) => Object.keys(tokensOf(message)))).toEqual([
    ["api://AzureADTokenExchange", "api://AKSIdentityBinding"],
    ["api://AKSIdentityBinding"],
    [],
  ]);
});

test.each([600, -60])("a token is good for the %i seconds that were chosen", async (tokenLifetimeS) => {
  await createKubelet({ ...options, tokenLifetimeS, audiences: ["a"] }).publish("web");
  const { token = "", expirationTimestamp = "" } = tokensOf(published[0])["a"] ?? {};
  const { iat = 0, exp } = decodeJwt(token);
  expect([exp, Date.parse(expirationTimestamp) / 1000]).toEqual([iat + tokenLifetimeS, iat + tokenLifetimeS]);
});

test("each publish brings new tokens", async () => {
  for (let n = 0; n < 3; n += 1) await kubelet.publish("web");
  const tokens = published.flatMap((message) => Object.values(tokensOf(message)).map((given) => given?.token));
  expect([tokens.length, new Set(tokens).size]).toEqual([6, 6]);
});

test("a plugin without VOLUME_MOUNT_GROUP gets no group", async () => {
  group = false;
  await kubelet.publish("web");
  expect(published[0]?.volumeCapability?.mount?.volumeMountGroup).toBe("");
});

test.each([
  ["final", status.INTERNAL, false],
  ["not final", status.UNAVAILABLE, true],
  ["not final", status.RESOURCE_EXHAUSTED, true],
])("after an error that is %s (code %i), is the directory kept? %s", async (_, code, stays) => {
  answer = code;
  const failure: unknown = await kubelet.publish("web").catch((error: unknown) => error);
  expect((failure as ServiceError).code).toBe(code);
  const [target = ""] = await kubelet.targets("web");
  expect(existsSync(target)).toBe(stays);
  answer = undefined;
  await kubelet.publish("web");
  expect(existsSync(target)).toBe(true);
});

test("an unpublish has the same id and target and leaves no directory, though the pod is gone", async () => {
  const [target = ""] = await kubelet.publish("web");
  await emulator.cluster.delete({ plural: "pods", namespace: "default", name: "web" });
  await kubelet.unpublish("web");
  expect(unpublished).toEqual([{ volumeId: published[0]?.volumeId, targetPath: target }]);
  expect(existsSync(dirname(target))).toBe(false);
  await expect(kubelet.publish("web")).rejects.toThrow("there is no pod web");
});

test("a Secret that is not there fails before the plugin is asked to publish", async () => {
  await emulator.cluster.delete({ plural: "secrets", namespace: "default", name: "creds" });
  await expect(kubelet.publish("web")).rejects.toThrow("default/creds");
  expect(published).toEqual([]);
});
