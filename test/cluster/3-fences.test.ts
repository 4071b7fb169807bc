import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cluster } from "./cluster.ts";
import { apply, kubectl, namespace } from "./kubectl.ts";
import { pluginPod } from "./plugin.ts";
import { install, releaseNamespace } from "./release.ts";
import { run } from "./shell.ts";

const managed = "secrets-store.csi.k8s.io/managed";
const nodeLabel = "internal.secrets-store.csi.k8s.io/node-name";
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
  await install(values, ["secrets-store-csi-driver.syncSecret.enabled=true"]);
  node = (await pluginPod()).spec.nodeName;
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
  await install(values);
});

function secret(name: string, labels: object, more: object = {}): object {
  return { apiVersion: "v1", kind: "Secret", metadata: { name, namespace, labels, ...more }, stringData: { a: "b" } };
}

function status(name: string, nodeName: string): object {
  const metadata = { name, namespace, labels: { [nodeLabel]: nodeName } };
  return { apiVersion: "secrets-store.csi.x-k8s.io/v1", kind: "SecretProviderClassPodStatus", metadata };
}

/** An input that is known only when the cluster is. */
type Late = () => object;
const given = (input: object | Late): Late => (typeof input === "function" ? (input as Late) : () => input);

const create = ["create", "-f", "-"];
const applyByForce = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
const change = ["patch", "secret", "-p", '{"data":{"a":"eA=="}}'];
const annotations = { "kubernetes.io/service-account.name": "default" };
const token = {
  ...secret("made", { [managed]: "true" }, { annotations }),
  type: "kubernetes.io/service-account-token",
};

test.each([
  ["reads Secrets by list", ["get", "secrets"], {}, "cannot list resource"],
  ["changes a Secret that is not managed", [...change, "foreign"], {}, "only Secrets that carry the label"],
  [
    "makes it a managed one",
    ["label", "secret", "foreign", `${managed}=true`],
    {},
    "only Secrets that carry the label",
  ],
  [
    "takes the label away from a managed one",
    ["label", "secret", "mirrored", `${managed}-`],
    {},
    "only Secrets that carry the label",
  ],
  ["creates one that is not managed", create, secret("made", {}), "only Secrets that carry the label"],
  ["creates a token of a service account", create, token, "no Secrets that are tokens of this cluster"],
  ["deletes a managed Secret", ["delete", "secret", "mirrored"], {}, "the plugin deletes nothing"],
  ["deletes a Secret that is not", ["delete", "secret", "foreign"], {}, "the plugin deletes nothing"],
  ["deletes a pod status", ["delete", "secretproviderclasspodstatus", "elsewhere"], {}, "the plugin deletes nothing"],
  ["writes a status for another node", applyByForce, () => status("here", "another-node"), "is of another node"],
  ["takes another node's status", applyByForce, () => status("elsewhere", node), "is of another node"],
])("a stolen token of the plugin is refused when it %s", async (_, args, input, because) => {
  const refusal = asPlugin(args, given(input)());
  await expect(refusal).rejects.toThrow(because);
});

test("what the plugin does itself is let pass: managed Secrets, and its own node's statuses", async () => {
  await asPlugin(create, secret("made", { [managed]: "true" }));
  await asPlugin([...change, "made"]);
  await asPlugin(applyByForce, status("here", node));
});
