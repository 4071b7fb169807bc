import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../fakes/free-port.ts";
import { startPeer, type Answer, type Peer } from "../fakes/provider-peer.ts";
import { startWorld, type PluginProcess, type World } from "../fakes/world.ts";

const one = [{ id: "secret/a", version: "1" }];
const aFile = { path: "a", mode: 0o640, contents: "text" };
const MiB = 1024 * 1024;

let world: World;
let plugin: PluginProcess;
let peer: Peer;
let sockets: string;
let metricsUrl: string;

beforeAll(async () => {
  world = await startWorld();
  sockets = join(world.dir, "providers");
  await mkdir(sockets);
  world.emulator.vaults.named("demo-vault").setSecret("DemoSecret", "MyExampleSecret");
  peer = await startPeer(join(sockets, "mis.sock"));
  const port = await freePort();
  metricsUrl = `http://127.0.0.1:${port}/metrics`;
  plugin = await world.startPlugin({
    flags: [
      `--provider-volume=${sockets}`,
      `--additional-provider-volume-paths=${join(world.dir, "none")}`,
      `--metrics-addr=127.0.0.1:${port}`,
      "--provider-health-check",
      "--provider-health-check-interval=1s",
      "-v=4",
      "--enable-secret-rotation",
      "--rotation-poll-interval=2s",
    ],
  });
});
afterAll(async () => {
  expect(await plugin.stop()).toBe(0);
  await peer.stop();
  await world.close();
});

/** A pod whose provider answers so, by the class or, where it is to change, by the pod's attributes. */
async function publish(pod: string, answer: Answer, provider = "mis"): Promise<string> {
  await world.createPod({ pod, provider, parameters: { answer: JSON.stringify(answer) } });
  const [target = ""] = await world.kubelet.publish(pod);
  return target;
}

/** The class of a pod asks for something else from now on. */
async function change(pod: string, answer: Answer): Promise<void> {
  await world.createPod({ pod, provider: "mis", parameters: { answer: JSON.stringify(answer) } });
}

/** Why a publish was refused; and it has left nothing. */
async function refused(pod: string, answer: Answer, provider = "mis"): Promise<string> {
  const error: unknown = await publish(pod, answer, provider).catch((thrown: unknown) => thrown);
  const target = await world.targetOf(pod);
  expect((await world.mounts()).filter((line) => line.includes(target))).toEqual([]);
  await expect(stat(target)).rejects.toMatchObject({ code: "ENOENT" });
  return error instanceof Error ? error.message : "nothing was refused";
}

const mountsOf = async (target: string) => (await world.mounts()).filter((line) => line.includes(target)).length;
const callsFor = async (pod: string) => {
  const begun = (await peer.seen()).filter(({ event, attributes = "" }) => event === "begun" && attributes !== "");
  const named = (attributes = "{}") =>
    (JSON.parse(attributes) as Record<string, string>)["csi.storage.k8s.io/pod.name"];
  return begun.filter(({ attributes }) => named(attributes) === pod).length;
};

describe("a provider on a socket", () => {
  test("gives files with their modes, and versions", async () => {
    const target = await publish("files", { objectVersion: one, files: [aFile, { ...aFile, path: "d/b", mode: 0 }] });
    expect(await readFile(join(target, "a"), "utf8")).toBe("text");
    const modes = await Promise.all(["a", "d/b"].map(async (path) => (await stat(join(target, path))).mode & 0o777));
    expect(modes).toEqual([0o640, 0]);
    expect((await world.podStatus("files"))?.["objects"]).toEqual(one);
    expect((await peer.seen())[0]).toMatchObject({ authority: "localhost", hasDeadline: true, targetPath: target });
  });

  test("is followed by rotation; what it fails at leaves the old files", async () => {
    const target = await publish("rotated", { objectVersion: one, files: [aFile] });
    const text = () => readFile(join(target, "a"), "utf8");
    const newer = { objectVersion: [{ id: "secret/a", version: "2" }], files: [{ ...aFile, contents: "newer" }] };
    await change("rotated", newer);
    await expect.poll(text, { timeout: 20_000 }).toBe("newer");
    await change("rotated", { fails: { code: 13, message: "out of order" } });
    const seen = await callsFor("rotated");
    await expect.poll(() => callsFor("rotated"), { timeout: 20_000 }).toBeGreaterThan(seen + 1);
    expect(await text()).toBe("newer");
  });

  test("that gives no files has a volume all the same, and none is ever wiped", async () => {
    const target = await publish("empty", { objectVersion: one });
    await world.kubelet.publish("empty");
    expect([await mountsOf(target), await readdir(target)]).toEqual([1, []]);
    const filled = await publish("wiped", { objectVersion: one, files: [aFile] });
    await change("wiped", { objectVersion: one });
    const seen = await callsFor("wiped");
    await expect.poll(() => callsFor("wiped"), { timeout: 20_000 }).toBeGreaterThan(seen + 1);
    expect(await readFile(join(filled, "a"), "utf8")).toBe("text");
  });

  test("that writes files by itself does so into the pod's tmpfs", async () => {
    const target = await publish("legacy", { objectVersion: one, writes: { "dir/own": "written" } });
    expect(await readFile(join(target, "dir/own"), "utf8")).toBe("written");
    expect(await mountsOf(target)).toBe(1);
    await change("legacy", { objectVersion: [{ id: "secret/a", version: "2" }], writes: { "dir/own": "anew" } });
    await expect.poll(() => readFile(join(target, "dir/own"), "utf8"), { timeout: 20_000 }).toBe("anew");
    await expect
      .poll(async () => (await world.podStatus("legacy"))?.["objects"], { timeout: 20_000 })
      .toEqual([{ id: "secret/a", version: "2" }]);
    await world.kubelet.unpublish("legacy");
    expect(await mountsOf(target)).toBe(0);
    await expect(stat(target)).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("that fails half-way leaves nothing", async () => {
    const answer = { writes: { own: "half" }, failsAfterWriting: { code: 2, message: "the disk burns" } };
    expect(await refused("half", answer)).toContain('provider "mis" failed: UNKNOWN: the disk burns');
  });
});

describe("hostile answers end in a clear error, with nothing written:", () => {
  test.each<[string, Answer, string]>([
    ["a path that leaves the volume", { files: [{ ...aFile, path: "../../x" }] }, 'invalid file path "../../x"'],
    ["an absolute path", { files: [{ ...aFile, path: "/etc/x" }] }, "it is absolute"],
    ["a path twice", { files: [aFile, aFile] }, 'two files of the name "a"'],
    ["10,000 files", { fill: { count: 10_000, bytes: 1 } }, "10000 files, more than the limit of 500"],
    ["5 MiB", { fill: { count: 1, bytes: 5 * MiB } }, "--max-call-recv-msg-size"],
    ["mode 07777", { files: [{ ...aFile, mode: 0o7777 }] }, "invalid mode 4095"],
    ["half a surrogate pair", { raw: "GgUKA+2ggA==" }, "not valid Unicode"],
    ["an error code", { error: "x".repeat(500), files: [aFile] }, "failed with error code"],
    ["no protobuf", { raw: "//////8=" }, "no MountResponse"],
  ])("%s", async (name, answer, message) => {
    const pod = `hostile-${name.replaceAll(/[^a-z0-9]+/gi, "-").toLowerCase()}`;
    expect(await refused(pod, { objectVersion: one, ...answer })).toContain(message);
  });
});

test("azure is served in-process, whoever has its socket", async () => {
  const impostor = await startPeer(join(sockets, "azure.sock"));
  await world.createPod({ pod: "azure" });
  const [target = ""] = await world.kubelet.publish("azure");
  expect(await readFile(join(target, "DemoSecret"), "utf8")).toBe("MyExampleSecret");
  expect(await impostor.seen()).toEqual([]);
  await impostor.stop();
});

test("a provider that is not there is told with the remedy, and found once it is there", async () => {
  const answer = { objectVersion: one, files: [aFile] };
  expect(await refused("later", answer, "vault")).toContain(
    `there is no vault.sock in ${join(world.dir, "none")} or ${sockets}: install the provider on this node`,
  );
  const vault = await startPeer(join(sockets, "vault.sock"));
  await world.kubelet.publish("later");
  await vault.stop();
  await rm(join(sockets, "vault.sock"), { force: true });
});

test("metrics name providers that everybody knows, and no others", async () => {
  const text = await (await fetch(metricsUrl)).text();
  const labels = new Set([...text.matchAll(/provider="([^"]*)"/g)].map(([, name]) => name));
  expect([...labels].sort()).toEqual(["azure", "other", "vault"]);
  expect(text).toMatch(/node_publish_error_total\{provider="vault",error_type="FailedToLookupProviderGRPCClient"/);
  expect(text).toMatch(
    /node_publish_error_total\{provider="other",error_type="GRPCProviderError",reason="ProviderError"/,
  );
});

test("the health check asks the providers that are in use", async () => {
  await expect.poll(plugin.stderr, { timeout: 20_000 }).toContain('is healthy" version="in-process 0.0.1"');
});
