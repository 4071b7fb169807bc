import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cluster } from "./cluster.ts";
import { apply, kubectl, namespace, taintsOf } from "./kubectl.ts";
import { pluginPod } from "./plugin.ts";
import { install, releaseNamespace } from "./release.ts";
import { run, until } from "./shell.ts";

const managed = "secrets-store.csi.k8s.io/managed";
const nodeLabel = "internal.secrets-store.csi.k8s.io/node-name";
const taint = "secrets-store.csi.k8s.io/agent-not-ready";
const kept = "example.com/kept";
const values = join(cluster.dir, "values.yaml");
let asPlugin: (args: readonly string[], input?: object) => Promise<string>;
let node: string;

/** Whoever stole the plugin's token from a node has this: a token of its service account, bound to its pod. */
async function stolenToken(): Promise<string> {
  const bound = ["--bound-object-kind=Pod", `--bound-object-name=${(await pluginPod()).metadata.name}`];
  return (await kubectl("create", "token", "secrets-store-csi-driver", "-n", releaseNamespace, ...bound)).trim();
}

interface Kubeconfig {
  readonly users: readonly { readonly name: string }[];
}

beforeAll(async () => {
  node = (await pluginPod()).spec.nodeName;
  const tainting = ["taint", "node", node, `${taint}=true:PreferNoSchedule`];
  await kubectl(...tainting, `${kept}=true:PreferNoSchedule`);
  await install(values, ["secrets-store-csi-driver.syncSecret.enabled=true", `startupTaint=${taint}`]);
  // The plugin lifts the taint once; the one that is set afterwards is left for the thief.
  await until("the plugin lifted its taint", async () => !(await taintsOf(node)).includes(taint));
  await kubectl(...tainting);
  const config = JSON.parse(await kubectl("config", "view", "--raw", "-o", "json")) as Kubeconfig;
  const token = await stolenToken();
  const users = config.users.map(({ name }) => ({ name, user: { token } }));
  const kubeconfig = join(cluster.dir, "plugin-kubeconfig");
  await writeFile(kubeconfig, JSON.stringify({ ...config, users }), { mode: 0o600 });
  asPlugin = (args, input) => run(["kubectl", "--kubeconfig", kubeconfig, ...args], JSON.stringify(input ?? {}));
  await apply(secret("foreign", {}), secret("mirrored", { [managed]: "true" }), status("elsewhere", "another-node"));
});
afterAll(async () => {
  await kubectl("delete", "secret", "foreign", "mirrored", "made", "--ignore-not-found");
  await kubectl("delete", "secretproviderclasspodstatus", "elsewhere", "here", "--ignore-not-found");
  await kubectl("taint", "node", node, `${kept}-`);
  await install(values);
});

function secret(name: string, labels: object, more: object = {}): object {
  return { apiVersion: "v1", kind: "Secret", metadata: { name, namespace, labels, ...more }, stringData: { a: "b" } };
}

function status(name: string, nodeName: string): object {
  const metadata = { name, namespace, labels: { [nodeLabel]: nodeName } };
  return { apiVersion: "secrets-store.csi.x-k8s.io/v1", kind: "SecretProviderClassPodStatus", metadata };
}

const make = (object: object): Promise<string> => asPlugin(["create", "-f", "-"], object);
const applyByForce = (object: object): Promise<string> =>
  asPlugin(["apply", "--server-side", "--force-conflicts", "-f", "-"], object);
const change = (name: string): Promise<string> => asPlugin(["patch", "secret", name, "-p", '{"data":{"a":"eA=="}}']);
const annotations = { "kubernetes.io/service-account.name": "default" };
const type = "kubernetes.io/service-account-token";
const notManaged = "only Secrets that carry the label";
const notTheTaint = "changes nothing else of nodes";

test.each<readonly [string, () => Promise<string>, string]>([
  ["lists Secrets", () => asPlugin(["get", "secrets"]), "cannot list resource"],
  ["changes a Secret that is not managed", () => change("foreign"), notManaged],
  ["makes it a managed one", () => asPlugin(["label", "secret", "foreign", `${managed}=true`]), notManaged],
  ["takes that label from a managed one", () => asPlugin(["label", "secret", "mirrored", `${managed}-`]), notManaged],
  ["creates one that is not managed", () => make(secret("made", {})), notManaged],
  [
    "creates a token of a service account",
    () => make({ ...secret("made", { [managed]: "true" }, { annotations }), type }),
    "no Secrets that are tokens of this cluster",
  ],
  ["deletes a managed Secret", () => asPlugin(["delete", "secret", "mirrored"]), "the plugin deletes nothing"],
  ["deletes a Secret that is not", () => asPlugin(["delete", "secret", "foreign"]), "the plugin deletes nothing"],
  [
    "deletes a pod status",
    () => asPlugin(["delete", "secretproviderclasspodstatus", "elsewhere"]),
    "the plugin deletes nothing",
  ],
  ["writes a status for another node", () => applyByForce(status("here", "another-node")), "is of another node"],
  ["takes another node's status", () => applyByForce(status("elsewhere", node)), "is of another node"],
  ["labels its node", () => asPlugin(["label", "node", node, "a=b"]), notTheTaint],
  ["takes another taint from it", () => asPlugin(["taint", "node", node, `${kept}-`]), notTheTaint],
  ["adds one", () => asPlugin(["taint", "node", node, "example.com/new=1:NoSchedule"]), notTheTaint],
  ["keeps pods from it", () => asPlugin(["patch", "node", node, "-p", '{"spec":{"unschedulable":true}}']), notTheTaint],
])("a stolen token of the plugin is refused when it %s", async (_, steal, because) => {
  await expect(steal()).rejects.toThrow(because);
});

test("what the plugin does itself is let pass: managed Secrets, its own node's statuses, the taint", async () => {
  await make(secret("made", { [managed]: "true" }));
  await change("made");
  await applyByForce(status("here", node));
  await asPlugin(["taint", "node", node, `${taint}-`]);
});
