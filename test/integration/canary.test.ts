import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createCanary, findLeaks } from "../fakes/canary.ts";
import { freePort } from "../fakes/free-port.ts";
import { secretObject, startWorld, type PluginProcess, type PodShape, type World } from "../fakes/world.ts";

/** Later issues extend this: every new output of the program becomes a place, every new input a canary. */
const secretValue = createCanary();
/** What the secret is rotated to, once for each plugin. */
const rotatedValues: string[] = [];
const clientSecret = createCanary();
const wrongClientSecret = createCanary();
const malformedToken = createCanary();

let world: World;
const plugins: PluginProcess[] = [];
const answers: string[] = [];
const metrics: string[] = [];
const tokens: string[] = [];

beforeAll(async () => {
  world = await startWorld();
  const { entra, vaults, settings } = world.emulator;
  entra.register({ tenantId: settings.tenantId, ...settings.demo, clientSecret });
  vaults.named("demo-vault").setSecret("Canary", secretValue);
  world.emulator.kubernetes.rights.grantSecretSync(true);
  await world.emulator.cluster.put({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { namespace: "default", name: "theirs" },
    stringData: { theirs: "theirs" },
  });
  proveAdministrator();
  for (const format of ["--log-format-json=true", "--log-format-json=false"]) {
    const port = await freePort();
    const rotation = ["--enable-secret-rotation", "--rotation-poll-interval=1s"];
    const flags = [...rotation, "-v=10", format, `--metrics-addr=127.0.0.1:${port}`];
    const plugin = await world.startPlugin({ flags });
    plugins.push(plugin);
    const prefix = format.endsWith("true") ? "json" : "text";
    await everyPath(prefix);
    await rotate(prefix);
    metrics.push(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
    await plugin.stop();
  }
}, 120_000);
afterAll(() => world.close());

/** Success, and every way to fail that sees a secret, a client secret or a token. */
async function everyPath(prefix: string): Promise<void> {
  const credentials = { clientid: world.emulator.settings.demo.clientId, clientsecret: clientSecret };
  const pods: readonly PodShape[] = [
    {
      pod: `${prefix}-good`,
      credentials,
      objects: secretObject("Canary"),
      secretObjects: secretObjectsOf(prefix),
    },
    { pod: `${prefix}-hex`, credentials, objects: secretObject("Canary", { objectEncoding: "hex" }) },
    { pod: `${prefix}-base64`, credentials, objects: secretObject("Canary", { objectEncoding: "base64" }) },
    { pod: `${prefix}-missing`, credentials, objects: secretObject("Missing") },
    { pod: `${prefix}-forbidden`, credentials, parameters: { keyvaultName: "other-vault" } },
    { pod: `${prefix}-wrong`, credentials: { ...credentials, clientsecret: wrongClientSecret } },
    { pod: `${prefix}-unreachable`, credentials, parameters: { keyvaultName: "no-such-vault" } },
    { pod: `${prefix}-incomplete`, credentials: { clientsecret: clientSecret } },
    { pod: `${prefix}-path`, credentials, objects: secretObject("Canary", { objectAlias: "a//b" }) },
    {
      pod: `${prefix}-token`,
      credentials,
      attributes: { "csi.storage.k8s.io/serviceAccount.tokens": malformedToken, clientID: "x" },
    },
    ...identityPods(prefix),
  ];
  for (const shape of pods) {
    await world.createPod(shape);
    answers.push(
      await world
        .kubeletWith({ signingKey: recordingKey })
        .publish(shape.pod)
        .then(
          () => "OK",
          (error: unknown) => JSON.stringify(error),
        ),
    );
  }
}

/** A Kubernetes Secret of the value; one of a type that the value does not fit; one of a file that is not there; one of somebody else. */
function secretObjectsOf(prefix: string): readonly object[] {
  const data = [{ objectName: "Canary", key: "tls.crt" }];
  return [
    { secretName: `${prefix}-synced`, data },
    { secretName: `${prefix}-tls`, type: "kubernetes.io/tls", data },
    { secretName: `${prefix}-missing`, data: [{ objectName: "Missing", key: "key" }] },
    { secretName: "theirs", data },
  ];
}

/** The secret changes, and then the vault fails; each is told by an event. */
async function rotate(prefix: string): Promise<void> {
  const vault = world.emulator.vaults.named("demo-vault");
  const value = createCanary();
  rotatedValues.push(value);
  vault.setSecret("Canary", value);
  await vi.waitFor(async () => {
    expect(await syncedValue(prefix)).toBe(value);
  }, 30_000);
  vault.misbehave({ kind: "refuse", status: 503 });
  const told = ["MountRotationComplete", "SecretRotationComplete", "SecretRotationFailed", "MountRotationFailed"];
  await vi.waitFor(() => {
    expect(reasonsOf(`${prefix}-good`)).toEqual(expect.arrayContaining(told));
  }, 30_000);
  vault.behave();
}

async function syncedValue(prefix: string): Promise<string> {
  const key = { plural: "secrets", namespace: "default", name: `${prefix}-synced` };
  const data = (await world.emulator.cluster.get(key))?.["data"] as Readonly<Record<string, string>> | undefined;
  return Buffer.from(data?.["tls.crt"] ?? "", "base64").toString();
}

function reasonsOf(pod: string): readonly unknown[] {
  const events = world.emulator.kubernetes.objects.list("events");
  return events
    .filter(({ involvedObject }) => (involvedObject as { name: string }).name === pod)
    .map(({ reason }) => reason);
}

/** Every way to have a token for the vault, and each one refused: an application or account that nobody knows. */
function identityPods(prefix: string): readonly PodShape[] {
  const [good, unknown] = [world.emulator.settings.admin.clientId, "nobody"];
  const proofs: Record<string, (clientId: string) => Partial<PodShape>> = {
    workload: (clientID) => ({ parameters: { clientID }, serviceAccountName: "web" }),
    binding: (clientID) => ({ parameters: { clientID, useAzureTokenProxy: "true" }, serviceAccountName: "web" }),
    managed: (id) => ({ parameters: { useVMManagedIdentity: "true", userAssignedIdentityID: id } }),
    nmi: (name) => ({ parameters: { usePodIdentity: "true" }, pod: `${prefix}-nmi-${name.slice(0, 6)}` }),
  };
  return Object.entries(proofs).flatMap(([kind, proof]) =>
    [good, unknown].map((id) => ({
      ...{ pod: `${prefix}-${kind}-${id.slice(0, 6)}`, credentials: "none" as const },
      ...{ objects: secretObject("Canary"), ...proof(id) },
    })),
  );
}

/** The administrator may read the vault in each of these ways. */
function proveAdministrator(): void {
  const { entra, imds, nmi, tokenProxy, settings } = world.emulator;
  const identity = { tenantId: settings.tenantId, ...settings.admin };
  const subject = "system:serviceaccount:default:web";
  const issuer = "https://kubernetes.default.svc.cluster.local";
  entra.federate({ ...identity, issuer, subject, audience: "api://AzureADTokenExchange" });
  tokenProxy.bindIdentity({ ...identity, subject });
  imds.assign(identity);
  for (const prefix of ["json", "text"])
    nmi.bind({ ...identity, namespace: "default", podName: `${prefix}-nmi-${identity.clientId.slice(0, 6)}` });
}

/** Every token that the kubelet hands over is a canary, by its signature. */
const recordingKey = {
  publicJwk: {},
  sign: async (claims: Record<string, unknown>) => {
    const token = await world.emulator.serviceAccountKey.sign(claims);
    tokens.push(token.split(".")[2] ?? "");
    return token;
  },
  verify: () => Promise.reject(new Error("not asked")),
};

async function filesOutsideVolumes(): Promise<string> {
  const names = await readdir(world.dir, { recursive: true });
  const outside = names.filter((name) => !name.startsWith("emulator") && !name.includes("/mount"));
  const contents = outside.map(async (name) =>
    (await stat(join(world.dir, name))).isFile() ? readFile(join(world.dir, name), "utf8") : name,
  );
  return (await Promise.all(contents)).join("\n");
}

test("the good volume was published and the others were refused", () => {
  const principals = [true, ...Array.from({ length: 9 }, () => false)];
  const others = [true, false, true, false, true, false, true, false];
  const once = [...principals, ...others];
  expect(answers.map((answer) => answer === "OK")).toEqual([...once, ...once]);
});

test("no secret, client secret or token leaves the process except into the volume", async () => {
  const canaries = [
    secretValue,
    ...rotatedValues,
    clientSecret,
    wrongClientSecret,
    malformedToken,
    ...tokens,
    world.emulator.settings.pluginToken,
  ];
  const statuses = ["json-good", "text-good"].map((pod) => world.podStatus(pod));
  const places = {
    stdout: plugins.map((plugin) => plugin.stdout()).join(),
    stderr: plugins.map((plugin) => plugin.stderr()).join(),
    "gRPC messages": answers.join("\n"),
    metrics: metrics.join("\n"),
    "pod status": JSON.stringify(await Promise.all(statuses)),
    events: JSON.stringify(world.emulator.kubernetes.objects.list("events")),
    "command line": plugins.map((plugin) => plugin.child.spawnargs.join(" ")).join("\n"),
    "files outside volumes": await filesOutsideVolumes(),
  };
  expect(places.stderr).toContain("Volume published");
  expect(places.stdout).toContain("Volume published");
  expect(places.metrics).toContain("kubernetes_requests_total");
  expect(places.metrics).toContain("rotation_reconcile_error_total{");
  expect(places.metrics).toContain("sync_k8s_secret_error_total{");
  expect(places.events).toContain("FailedToCreateSecret");
  expect(findLeaks(canaries, places)).toEqual([]);
  // Nor any token that Azure issued: each begins with a header, which is a JSON object.
  expect(Object.entries(places).filter(([, text]) => /eyJ[\w-]{8}/.test(text))).toEqual([]);
});

test("the volume itself holds the secret", async () => {
  expect(await readFile(join(await world.targetOf("text-good"), "Canary"), "utf8")).toBe(rotatedValues.at(-1));
}, 30_000);
