import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createCanary, findLeaks } from "../fakes/canary.ts";
import { freePort } from "../fakes/free-port.ts";
import { secretObject, startWorld, type PluginProcess, type World } from "../fakes/world.ts";

/** Later issues extend this: every new output of the program becomes a place, every new input a canary. */
const secretValue = createCanary();
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
  for (const format of ["--log-format-json=true", "--log-format-json=false"]) {
    const port = await freePort();
    const plugin = await world.startPlugin({ flags: ["-v=10", format, `--metrics-addr=127.0.0.1:${port}`] });
    plugins.push(plugin);
    await everyPath(format.endsWith("true") ? "json" : "text");
    metrics.push(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
    await plugin.stop();
  }
});
afterAll(() => world.close());

/** Success, and every way to fail that sees a secret, a client secret or a token. */
async function everyPath(prefix: string): Promise<void> {
  const credentials = { clientid: world.emulator.settings.demo.clientId, clientsecret: clientSecret };
  const pods: Parameters<World["createPod"]>[0][] = [
    { pod: `${prefix}-good`, credentials, objects: secretObject("Canary") },
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
  expect(answers.map((answer) => answer === "OK")).toEqual(
    [0, 1].flatMap(() => [true, ...Array.from({ length: 9 }, () => false)]),
  );
});

test("no secret, client secret or token leaves the process except into the volume", async () => {
  const canaries = [
    secretValue,
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
    "command line": plugins.map((plugin) => plugin.child.spawnargs.join(" ")).join("\n"),
    "files outside volumes": await filesOutsideVolumes(),
  };
  expect(places.stderr).toContain("Volume published");
  expect(places.stdout).toContain("Volume published");
  expect(places.metrics).toContain("kubernetes_requests_total");
  expect(findLeaks(canaries, places)).toEqual([]);
});

test("the volume itself holds the secret", async () => {
  expect(await readFile(join(await world.targetOf("text-good"), "Canary"), "utf8")).toBe(secretValue);
});
