import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { once } from "node:events";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePort } from "../fakes/free-port.ts";
import { createPluginWatcher } from "../fakes/plugin-watcher.ts";
import { startWorld, type PluginProcess, type World } from "../fakes/world.ts";

const kubelet = createPluginWatcher();
let world: World;
let registry: string;
let socketPath: string;

beforeEach(async () => {
  world = await startWorld();
  registry = join(world.kubeletRoot, "plugins_registry");
  socketPath = join(registry, "secrets-store.csi.k8s.io-reg.sock");
  await mkdir(registry);
});
afterEach(() => world.close());

/** The plugin with health on a port that the test knows. */
async function start(): Promise<PluginProcess & { readonly health: string }> {
  const port = await freePort();
  const flags = [`--registration-dir=${registry}`, `--health-addr=127.0.0.1:${port}`, "-v=5"];
  const health = `http://127.0.0.1:${port}`;
  const plugin = await world.startPlugin({ flags });
  // The registration socket comes last; a plugin that cannot offer it ends.
  while (plugin.child.exitCode === null && ["starting\n", ""].includes(await readiness(health))) await turn();
  if (plugin.child.exitCode !== null) throw new Error(plugin.stderr());
  return { ...plugin, health };
}

function readiness(health: string): Promise<string> {
  return read(`${health}/readyz`).then(
    ([, text]) => text,
    () => "",
  );
}

async function read(url: string): Promise<readonly [number, string]> {
  const response = await fetch(url);
  return [response.status, await response.text()];
}

test("kubelet finds the plugin, asks its socket who it is, and takes it; from then on it is ready", async () => {
  const plugin = await start();
  expect(await read(`${plugin.health}/healthz`)).toEqual([200, "ok\n"]);
  expect(await read(`${plugin.health}/readyz`)).toEqual([503, "kubelet has not registered the plugin yet\n"]);
  expect(await kubelet.take(socketPath)).toEqual({
    type: "CSIPlugin",
    name: "secrets-store.csi.k8s.io",
    endpoint: world.socketPath,
    supportedVersions: ["1.0.0"],
    nodeId: "test-node",
  });
  expect(await read(`${plugin.health}/readyz`)).toEqual([200, "ok\n"]);
  await plugin.stop();
});

test("at the end kubelet forgets it before the calls under way have ended", async () => {
  world.emulator.vaults.named("demo-vault").setSecret("DemoSecret", "v");
  const plugin = await start();
  await world.createPod({ pod: "slow" });
  const vault = world.emulator.vaults.named("demo-vault");
  vault.setLatency(1_500);
  const publish = world.kubelet.publish("slow");
  await until(() => vault.tally.counters().peakInFlight > 0);
  const stopped = plugin.stop("SIGTERM");
  await until(() => !existsSync(socketPath));
  expect(await read(`${plugin.health}/readyz`)).toEqual([503, "stopping\n"]);
  await publish;
  expect(await stopped).toBe(0);
});

test("a refused registration ends the process with what kubelet said", async () => {
  const plugin = await start();
  const ended = once(plugin.child, "exit");
  await kubelet.refuse(socketPath, "another plugin has that name");
  expect(await ended).toEqual([1, null]);
  expect(plugin.stderr()).toMatch(/^E.*"kubelet refused to register the plugin: another plugin has that name"/m);
  expect([existsSync(socketPath), existsSync(world.socketPath)]).toEqual([false, false]);
});

test("a killed plugin's sockets are replaced by the next one's", async () => {
  await (await start()).stop("SIGKILL");
  expect(existsSync(socketPath)).toBe(true);
  const plugin = await start();
  expect(await kubelet.take(socketPath)).toMatchObject({ nodeId: "test-node" });
  await plugin.stop();
});

test("a second plugin on the node fails at its ports, and the first one's socket stays", async () => {
  const first = await start();
  const address = first.health.slice("http://".length);
  const second = await world.startPlugin({ flags: [`--registration-dir=${registry}`, `--health-addr=${address}`] });
  await until(() => second.child.exitCode !== null);
  expect(second.child.exitCode).toBe(1);
  expect(second.stderr()).toContain(
    `--health-addr: cannot listen on ${address}: something on this node listens there: choose another`,
  );
  expect(await kubelet.take(socketPath)).toMatchObject({ nodeId: "test-node" });
  await first.stop();
});

test("a second plugin with ports of its own fails at the socket, and the first one goes on", async () => {
  const first = await start();
  const second = await world.startPlugin({ flags: [`--registration-dir=${registry}`] });
  await until(() => second.child.exitCode !== null);
  expect(second.stderr()).toContain(`another process serves ${world.socketPath}: stop that one first`);
  expect(await kubelet.take(socketPath)).toMatchObject({ nodeId: "test-node" });
  expect(await read(`${first.health}/healthz`)).toEqual([200, "ok\n"]);
  await first.stop();
});

test("without kubelet's directory it does not start, and leaves nothing behind", async () => {
  await rm(registry, { recursive: true });
  await expect(start()).rejects.toThrow(
    `there is no directory ${registry}: set --registration-dir to plugins_registry below kubelet's root`,
  );
  expect(existsSync(world.socketPath)).toBe(false);
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turn();
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
