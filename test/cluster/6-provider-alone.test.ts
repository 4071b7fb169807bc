import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildGoProvider } from "../provider/go-peer.ts";
import { cluster, counters, resetCounters, vault } from "./cluster.ts";
import { kubectl } from "./kubectl.ts";
import { whyNotHere } from "./node.ts";
import { secretClass } from "./objects.ts";
import { releaseNamespace, wayToEmulator } from "./release.ts";
import { run } from "./shell.ts";

const notHere = await whyNotHere();
const onTheNode = test.skipIf(notHere !== undefined);
const but = notHere === undefined ? "" : ` (${notHere})`;
const socket = "/var/run/secrets-store-csi-providers/azure.sock";
let program: string;
const daemonSet = "daemonset/csi-secrets-store-provider-azure";

/** As the established driver calls a provider. */
async function call(...args: readonly string[]): Promise<unknown> {
  return JSON.parse(await run([program, "call", ...args, "--socket", socket]));
}

beforeAll(async () => {
  if (notHere !== undefined) return;
  program = buildGoProvider();
  await vault.set("alone", "value of alone");
  const values = join(cluster.dir, "provider-values.yaml");
  // The plugin of the other tests has 8898.
  const settings = { metricsAddr: "8890", linux: wayToEmulator, "secrets-store-csi-driver": { install: false } };
  await writeFile(values, JSON.stringify(settings));
  const options = ["--namespace", releaseNamespace, "--values", values, "--skip-crds", "--wait", "--timeout", "3m"];
  await run(["helm", "install", "akv-provider", "charts/azure-keyvault-csi", ...options]);
  await kubectl("rollout", "status", "-n", releaseNamespace, daemonSet, "--timeout=3m");
});
afterAll(async () => {
  if (notHere !== undefined) return;
  await run(["helm", "uninstall", "akv-provider", "--namespace", releaseNamespace, "--wait"]);
});

/** A Mount of one secret for a pod. */
function mount(uid: string): Promise<unknown> {
  const { spec } = secretClass("alone", ["alone"]) as { readonly spec: { readonly parameters: object } };
  const attributes = {
    ...spec.parameters,
    secretProviderClass: "alone",
    "csi.storage.k8s.io/pod.name": `pod-${uid}`,
    "csi.storage.k8s.io/pod.namespace": "default",
    "csi.storage.k8s.io/pod.uid": uid,
  };
  const { clientId: clientid, clientSecret: clientsecret } = cluster.demo;
  return call(
    "mount",
    ...["--attributes", JSON.stringify(attributes)],
    ...["--secrets", JSON.stringify({ clientid, clientsecret })],
    ...["--target", `/var/lib/kubelet/pods/${uid}/volumes/kubernetes.io~csi/secrets/mount`],
  );
}

onTheNode(`the provider alone tells a driver who it is, and that it serves${but}`, async () => {
  expect(await call("version")).toMatchObject({
    code: "OK",
    version: { version: "v1alpha1", runtimeName: "secrets-store-csi-driver-provider-azure" },
  });
  expect(await call("health")).toMatchObject({ code: "OK", health: "SERVING" });
});

onTheNode(`it gives a driver what a class asks for, and ten pods at once cost one request${but}`, async () => {
  await resetCounters();
  const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => mount(`0000-${index}`)));
  const contents = Buffer.from("value of alone").toString("base64");
  for (const answer of answers)
    expect(answer).toMatchObject({ code: "OK", mount: { files: [{ path: "alone", mode: 0o644, contents }] } });
  const { "demo-vault": asked } = (await counters()).vaults;
  console.log(`ten Mounts at once: ${JSON.stringify(asked)}`);
  expect(asked?.requests).toBe(1);
});

onTheNode(`it asks nothing of the Kubernetes API: its pod has no token, and no capability${but}`, async () => {
  const at = ["-n", releaseNamespace, daemonSet, "-o"];
  expect(await kubectl("get", ...at, "jsonpath={.spec.template.spec.automountServiceAccountToken}")).toBe("false");
  const drop = "jsonpath={.spec.template.spec.containers[0].securityContext.capabilities.drop}";
  expect(await kubectl("get", ...at, drop)).toBe('["ALL"]');
});
