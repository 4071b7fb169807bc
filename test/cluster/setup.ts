import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import type { EmulatorSettings } from "../../src/emulator/settings.ts";
import hosts from "../../src/emulator/hosts.json" with { type: "json" };
import type { TestCluster } from "./cluster.ts";
import { apply, kubectl, list, namespace, type KubernetesObject } from "./kubectl.ts";
import { emulatorMap, install, isInstalled, releaseNamespace, uninstall, wayToEmulator } from "./release.ts";
import { watchRights } from "./rights.ts";
import { run, show, until } from "./shell.ts";

/** Cluster, image, emulator and release: everything that is there before the first test. Undone in reverse order. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const undo = new AsyncDisposableStack();
  undoAtSignals(undo);
  try {
    project.provide("cluster", await setUp(undo));
  } catch (error) {
    await undo.disposeAsync();
    throw error;
  }
  return () => undo.disposeAsync();
}

/** What could be refused comes first, what takes long afterwards. */
async function setUp(undo: AsyncDisposableStack): Promise<TestCluster> {
  const load = howToLoad();
  const dir = await mkdtemp(join(tmpdir(), "akv-cluster-test-"));
  undo.defer(() => rm(dir, { recursive: true, force: true }));
  await step("cluster", () => startCluster(dir));
  await refuseUsedCluster();
  const address = await emulatorAddress();
  const archive = await step("image", makeImage);
  await step("image onto the nodes", () => run([...load, archive]));
  const emulator = await step(`emulator at ${address}:443`, () => startEmulator(dir, address, undo));
  const proxyPort = await startProxy(undo);
  await step("release", () => installFirst(dir, address, undo));
  await step("namespace", () => createNamespace(undo));
  const watch = watchRights(dir, proxyPort);
  undo.defer(() => watch.stop());
  const { controlUrl, tenantId, demo } = emulator;
  return { dir, controlUrl, tenantId, demo, proxyPort };
}

/** Ctrl-C leaves as little behind as the end does. */
function undoAtSignals(undo: AsyncDisposableStack): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => {
      console.error("cluster test: cleaning up …");
      void undo.disposeAsync().finally(() => process.exit(130));
    });
}

async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const result = await work();
  console.log(`cluster test: ${name}, ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  return result;
}

/** A kubeconfig of the tests' own, whose context points to their namespace: the tutorial's commands name none. */
async function startCluster(dir: string): Promise<void> {
  const bed = option("bed");
  if (bed !== undefined) process.env["KUBECONFIG"] = await startBed(bed);
  // Helm 4 has no --client; neither Helm asks a cluster for its version.
  for (const command of [
    ["kubectl", "version", "--client"],
    ["helm", "version"],
  ] as const)
    await run(command).catch(() => {
      throw new Error(`${command[0]} is needed on the PATH`);
    });
  const own = join(dir, "kubeconfig");
  await writeFile(own, await kubectl("config", "view", "--raw", "--flatten", "--minify"), { mode: 0o600 });
  process.env["KUBECONFIG"] = own;
  await kubectl("config", "set-context", "--current", `--namespace=${namespace}`);
}

/** Starts a cluster from parts; it says where its kubeconfig is. */
async function startBed(bed: string): Promise<string> {
  const said = await run(["sh", "-c", '"$0" 2>&1', join(bed, "up")]);
  const kubeconfig = /KUBECONFIG=(\S+)/.exec(said)?.[1];
  if (kubeconfig === undefined) throw new Error(`${bed}/up does not say where its kubeconfig is:\n${said}`);
  return kubeconfig;
}

async function makeImage(): Promise<string> {
  const given = option("image");
  if (given !== undefined) return given;
  const archive = join("image", "cluster-test.tar");
  const base = option("local-base") === undefined ? [] : ["--local-base"];
  await show([process.execPath, "scripts/image.ts", "--output", archive, ...base]);
  return archive;
}

/** The command that takes the archive as its last argument. */
function howToLoad(): readonly string[] {
  const [bed, load] = [option("bed"), option("load")];
  if (load !== undefined) return ["sh", "-c", `${load} "$0"`];
  if (bed !== undefined) return [join(bed, "load-image")];
  throw new Error(
    "how does the image get onto the nodes? Say --load COMMAND, for example --load 'kind load image-archive'",
  );
}

/** What is there already may be somebody's: the tests would change it, and remove the CRDs with all classes. */
async function refuseUsedCluster(): Promise<void> {
  const look = (...what: readonly string[]): Promise<string> =>
    kubectl("get", ...what, "--ignore-not-found", "-o", "name");
  const found = [
    await look("csidriver", "secrets-store.csi.k8s.io"),
    await look("-f", "charts/azure-keyvault-csi/crds"),
    await look("namespace", namespace),
    await look("-n", releaseNamespace, "configmap", emulatorMap),
  ].join("");
  if (found !== "")
    throw new Error(
      `the cluster has these already; if they are of an earlier run, uninstall the release and delete them:\n${found}`,
    );
}

/** This machine as pods on the node's network see it: a node's address that a server here can have. */
async function emulatorAddress(): Promise<string> {
  const given = option("emulator-address");
  if (given !== undefined) return given;
  const nodes = await list<KubernetesObject & { status: { addresses: { address: string }[] } }>("nodes");
  for (const { address } of nodes.flatMap(({ status }) => status.addresses)) if (await isOurs(address)) return address;
  throw new Error("no node is this machine: say --emulator-address, by which the nodes reach it");
}

/** Asked by binding, since a bridge without pods is not among Node's network interfaces. */
async function isOurs(address: string): Promise<boolean> {
  const server = createServer().listen(0, address);
  const bound = await once(server, "listening").then(
    () => true,
    () => false,
  );
  server.close();
  return bound;
}

async function startEmulator(dir: string, address: string, undo: AsyncDisposableStack): Promise<EmulatorSettings> {
  const settings = join(dir, "emulator/emulator.json");
  const options = ["--any-port", "--public", address, "--dir", join(dir, "emulator")];
  const child = spawn(process.execPath, ["src/emulator/main.ts", ...options, "vault"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  undo.defer(() => end(child));
  await until("the emulator has started", () => Promise.resolve(ended(child) || existsSync(settings)), 30_000);
  if (ended(child)) throw new Error(`the emulator did not start: is ${address}:443 free, and may this user take it?`);
  return JSON.parse(await readFile(settings, "utf8")) as EmulatorSettings;
}

async function startProxy(undo: AsyncDisposableStack): Promise<number> {
  const child = spawn("kubectl", ["proxy", "--port=0"], { stdio: ["ignore", "pipe", "inherit"] });
  undo.defer(() => end(child));
  const [chunk] = (await once(child.stdout, "data")) as [Buffer];
  return Number(/:(\d+)/.exec(chunk.toString())?.[1]);
}

const chartValues = { logVerbosity: 5, "secrets-store-csi-driver": { linux: wayToEmulator } };

/** The plugin is told the emulator's CA and addresses by what any user could set: environment and volumes. */
async function installFirst(dir: string, address: string, undo: AsyncDisposableStack): Promise<void> {
  const data = {
    "ca.pem": await readFile(join(dir, "emulator/ca.pem"), "utf8"),
    hosts: `127.0.0.1 localhost\n${address} ${azureNames().join(" ")}\n`,
  };
  const metadata = { name: emulatorMap, namespace: releaseNamespace };
  await apply({ apiVersion: "v1", kind: "ConfigMap", metadata, data });
  undo.defer(async () => {
    await kubectl("delete", "configmap", emulatorMap, "-n", releaseNamespace);
  });
  undo.defer(async () => {
    if (await isInstalled()) await uninstall();
    await kubectl("delete", "--ignore-not-found", "-f", "charts/azure-keyvault-csi/crds");
  });
  await writeFile(join(dir, "values.yaml"), JSON.stringify(chartValues));
  await install(join(dir, "values.yaml"));
}

/** Token service and vaults as the public cloud calls them; the API server is the cluster's own. */
function azureNames(): readonly string[] {
  const names = hosts.filter((name) => name.endsWith("localhost"));
  return names.map((name) =>
    name.replace("login.localhost", "login.microsoftonline.com").replace("vault.localhost", "vault.azure.net"),
  );
}

/** It goes before the release: pods need the plugin to end. */
async function createNamespace(undo: AsyncDisposableStack): Promise<void> {
  await apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  undo.defer(async () => {
    await kubectl("delete", "namespace", namespace, "--timeout=180s");
  });
  await kubectl("wait", "--for=create", "serviceaccount/default", "--timeout=60s");
}

function option(name: string): string | undefined {
  return process.env[`CLUSTER_TEST_${name.toUpperCase().replace("-", "_")}`];
}

function ended(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function end(child: ChildProcess): Promise<void> {
  if (ended(child)) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}
