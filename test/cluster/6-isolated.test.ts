import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cluster, vault } from "./cluster.ts";
import { apply, exec, kubectl, ready, remove } from "./kubectl.ts";
import { credentials, credentialsSecret, mountPath, pod, secretClass } from "./objects.ts";
import { pluginPod } from "./plugin.ts";
import { install, releaseNamespace } from "./release.ts";
import { until } from "./shell.ts";

const values = join(cluster.dir, "values.yaml");
const file = `${mountPath}/isolated`;

beforeAll(async () => {
  await vault.set("isolated", "first value");
  await apply(credentialsSecret(credentials), secretClass("isolated", ["isolated"]));
  const driver = "secrets-store-csi-driver";
  const rotation = [`${driver}.enableSecretRotation=true`, `${driver}.rotationPollInterval=2s`];
  await install(values, ["isolateProvider=true", ...rotation]);
});
afterAll(async () => {
  await remove("isolated", "isolated-late");
  await kubectl("delete", "secretproviderclass", "isolated", "--ignore-not-found");
  await install(values);
});

/** What a program in the provider's container finds: there is no other program than node. */
async function inProvider(program: string): Promise<string> {
  const { name } = (await pluginPod()).metadata;
  return kubectl("exec", "-n", releaseNamespace, name, "-c", "provider", "--", "/usr/local/bin/node", "-e", program);
}

async function restarts(): Promise<string> {
  const { name } = (await pluginPod()).metadata;
  const path = '{.status.containerStatuses[?(@.name=="provider")].restartCount}';
  return kubectl("get", "pod", "-n", releaseNamespace, name, "-o", `jsonpath=${path}`);
}

test("a pod has its secret by the provider's container, and the next version of it", async () => {
  await apply(pod({ name: "isolated", classes: ["isolated"], needs: file }));
  await ready("isolated");
  expect(await exec("isolated", "cat", file)).toBe("first value");
  await vault.set("isolated", "second value");
  await until("the second value is there", async () => (await exec("isolated", "cat", file)) === "second value");
});

test("whoever takes the provider's container over has no capability, no token, nothing of the node's", async () => {
  const status = await inProvider('process.stdout.write(fs.readFileSync("/proc/self/status","utf8"))');
  expect(status).toMatch(/^Uid:\t65532\t65532\t65532\t65532$/m);
  expect(status).toMatch(/^CapBnd:\t0+$/m);
  expect(status).toMatch(/^NoNewPrivs:\t1$/m);
  expect(status).toMatch(/^Seccomp:\t2$/m);
  const at = "/var/run/secrets/kubernetes.io/serviceaccount";
  const beside = await inProvider(`console.log(fs.readdirSync("${at}").filter((n) => !n.startsWith("..")).join())`);
  expect(beside.trim()).toBe("ca.crt");
  const nodes = ["/var/lib/kubelet", "/var/run/secrets-store-csi-providers", "/etc/kubernetes"];
  const seen = await inProvider(`console.log(${JSON.stringify(nodes)}.filter((path) => fs.existsSync(path)).join())`);
  expect(seen.trim()).toBe("");
});

test("the provider starts anew by itself; volumes stay, and a pod that comes then is served", async () => {
  const before = await restarts();
  await inProvider("process.kill(1)");
  await until("the provider was started anew", async () => (await restarts()) !== before);
  expect(await exec("isolated", "cat", file)).toBe("second value");
  await apply(pod({ name: "isolated-late", classes: ["isolated"], needs: file }));
  await ready("isolated-late");
});
