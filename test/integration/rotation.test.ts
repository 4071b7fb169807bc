import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Counters } from "../../src/emulator/tally.ts";
import { getRights } from "../../src/emulator/vault/access.ts";
import { freePort } from "../fakes/free-port.ts";
import { startWorld, type PluginProcess, type World } from "../fakes/world.ts";

const ten = Array.from({ length: 10 }, (_, index) => `secret-${index}`);
/** Shorter than any user would choose, so that the story is told in seconds. */
const INTERVAL = "3s";

let world: World;
let plugin: PluginProcess;
let metricsUrl: string;

beforeEach(async () => {
  world = await startWorld();
  for (const name of ten) vault().setSecret(name, `first value of ${name}`);
  await start();
});
afterEach(async () => {
  await plugin.stop();
  await world.close();
});

async function start(env: NodeJS.ProcessEnv = {}): Promise<void> {
  const port = await freePort();
  metricsUrl = `http://127.0.0.1:${port}/metrics`;
  plugin = await world.startPlugin({
    env,
    flags: ["--enable-secret-rotation", `--rotation-poll-interval=${INTERVAL}`, `--metrics-addr=127.0.0.1:${port}`],
  });
}

function vault() {
  return world.emulator.vaults.named("demo-vault");
}

function objects(names: readonly string[]): string {
  return JSON.stringify({ array: names.map((objectName) => JSON.stringify({ objectName, objectType: "secret" })) });
}

function count({ answers }: Counters, beginning: string): number {
  return Object.entries(answers).reduce((sum, [what, times]) => (what.startsWith(beginning) ? sum + times : sum), 0);
}

/** The sum of a metric's samples that have these labels. */
async function metric(name: string, labels = ""): Promise<number> {
  const lines = (await (await fetch(metricsUrl)).text()).split("\n");
  const samples = lines.filter((line) => line.startsWith(`${name}{`) && line.includes(labels));
  return samples.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

const asked = {
  vault: () => count(vault().tally.counters(), "GET /secrets/"),
  classes: () =>
    count(
      world.emulator.kubernetes.tally.counters(),
      "GET /apis/secrets-store.csi.x-k8s.io/v1/namespaces/default/secretproviderclasses/",
    ),
  writes: () => count(world.emulator.kubernetes.tally.counters(), "PATCH "),
};

/** Another plugin in place of the one that runs; resolves to how its time of day is set by so much. */
async function restartWithClock(jumpMs: number): Promise<() => Promise<void>> {
  await plugin.stop();
  const clock = fileURLToPath(new URL("../fakes/jumping-clock.ts", import.meta.url));
  await start({ NODE_OPTIONS: `--import=${clock}`, JUMP_MS: String(jumpMs) });
  const jumps = () => plugin.stderr().split("the clock jumped\n").length;
  return async () => {
    const before = jumps();
    plugin.child.kill("SIGUSR2");
    await expect.poll(jumps).toBe(before + 1);
  };
}

/** Pods of one class, each mounted by itself. */
async function mount(pods: readonly string[], className: string, names = ten): Promise<void> {
  for (const pod of pods) {
    await world.createPod({ pod, className, objects: objects(names) });
    await world.kubelet.publish(pod);
  }
}

async function read(pod: string, file: string): Promise<string> {
  return readFile(join(await world.targetOf(pod), file), "utf8");
}

/** How many volumes owe something to Kubernetes. */
async function owing(): Promise<number> {
  const [, count] = /^volumes_owing (\d+)$/m.exec(await (await fetch(metricsUrl)).text()) ?? [];
  return Number(count);
}

function rotations(): Promise<number> {
  return metric("rotation_reconcile_total");
}

async function nextPasses(passes: number, volumes: number): Promise<void> {
  const before = await rotations();
  await expect.poll(rotations, { timeout: 60_000 }).toBeGreaterThanOrEqual(before + passes * volumes);
}

/** Events of a pod, as `type reason message`. */
function eventsOf(pod: string): readonly string[] {
  const events = world.emulator.kubernetes.objects.list("events") as unknown as readonly PodEventObject[];
  const ofPod = events.filter(({ involvedObject }) => involvedObject.name === pod);
  return ofPod.map(({ type, reason, message }) => `${type} ${reason} ${message}`);
}

interface PodEventObject {
  readonly involvedObject: { readonly name: string };
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

interface Counts {
  readonly rotations: number;
  readonly vault: number;
  readonly classes: number;
}

async function countsNow(): Promise<Counts> {
  return { rotations: await rotations(), vault: asked.vault(), classes: asked.classes() };
}

/** The counts at a moment that is, as far as one can see, between two passes. */
async function countsBetweenPasses(): Promise<Counts> {
  for (;;) {
    const before = await countsNow();
    await new Promise((resolve) => setTimeout(resolve, 500));
    if (JSON.stringify(await countsNow()) === JSON.stringify(before)) return before;
  }
}

/** What one pass costs, as the mean of those during the work; whole numbers when the counts were really taken between passes. */
async function costOfPasses(work: () => Promise<void>, volumes: number): Promise<Omit<Counts, "rotations">> {
  const first = await countsBetweenPasses();
  await work();
  const last = await countsBetweenPasses();
  const made = (last.rotations - first.rotations) / volumes;
  return { vault: (last.vault - first.vault) / made, classes: (last.classes - first.classes) / made };
}

describe("200 volumes of one class, mounted one after another", () => {
  const pods = Array.from({ length: 200 }, (_, index) => `pod-${index}`);
  const once = { vault: 10, classes: 1 };
  const rotated = () => metric("rotation_reconcile_total", 'rotated="true"');

  test("cost one read of the class and ten of the vault for each pass, whether or not all have to be rewritten", async () => {
    await mount(pods, "many");
    const writes = asked.writes();
    const pass = () => nextPasses(3, pods.length);
    await expect.poll(() => costOfPasses(pass, pods.length), { timeout: 90_000 }).toEqual(once);
    expect(asked.writes()).toBe(writes);
    expect(await rotated()).toBe(0);

    const change = async (): Promise<void> => {
      const before = await rotated();
      vault().setSecret("secret-3", `value after ${before}`);
      await expect.poll(rotated, { timeout: 60_000 }).toBe(before + pods.length);
      for (const pod of pods) expect(await read(pod, "secret-3")).toBe(`value after ${before}`);
    };
    await expect.poll(() => costOfPasses(change, pods.length), { timeout: 90_000 }).toEqual(once);
    expect(await metric("rotation_reconcile_error_total")).toBe(0);
  }, 300_000);
});

test("forty pods mounted at forty different moments, which share nothing then, cost the same for each pass", async () => {
  const pods = Array.from({ length: 40 }, (_, index) => `pod-${index}`);
  // More than the 2 s within which mounts share an answer.
  const jump = await restartWithClock(3_000);
  for (const pod of pods) {
    await mount([pod], "shared");
    await jump();
  }
  expect(asked.vault()).toBeGreaterThanOrEqual(pods.length * ten.length);
  const pass = () => nextPasses(3, pods.length);
  await expect.poll(() => costOfPasses(pass, pods.length), { timeout: 90_000 }).toEqual({ vault: 10, classes: 1 });
}, 180_000);

test("a node whose time of day is set forward by 20 minutes goes on rotating", async () => {
  const jump = await restartWithClock(20 * 60_000);
  await mount(["web"], "web", ["secret-0"]);
  await nextPasses(1, 1);
  await jump();
  vault().setSecret("secret-0", "second value");
  await expect.poll(() => read("web", "secret-0"), { timeout: 30_000 }).toBe("second value");
  await expect.poll(() => eventsOf("web")).toHaveLength(1);
  expect(eventsOf("web")[0]).toMatch(/^Normal MountRotationComplete/);
});

describe("a volume", () => {
  beforeEach(async () => {
    await mount(["web"], "web", ["secret-0"]);
  });

  test("gets the new version, its status names it, and an event of the pod says so without a value", async () => {
    const version = vault().setSecret("secret-0", "second value");
    await expect.poll(() => read("web", "secret-0"), { timeout: 30_000 }).toBe("second value");
    await expect.poll(() => eventsOf("web")).toHaveLength(1);
    expect(eventsOf("web")).toEqual([
      `Normal MountRotationComplete mounted content of SecretProviderClass web was rotated: secret/secret-0 is version ${version}`,
    ]);
    const status = world.emulator.kubernetes.objects.get({
      plural: "secretproviderclasspodstatuses",
      namespace: "default",
      name: "web-default-web",
    });
    expect(status?.["status"]).toMatchObject({ objects: [{ id: "secret/secret-0", version }] });
  });

  test("follows an edit of its class", async () => {
    await world.createPod({ pod: "edit", className: "web", objects: objects(["secret-0", "secret-1"]) });
    await expect
      .poll(() => read("web", "secret-1").catch(() => ""), { timeout: 30_000 })
      .toBe("first value of secret-1");
  });

  test("keeps its content while the vault is down, which republish hides and one event tells, and catches up", async () => {
    vault().misbehave({ kind: "refuse", status: 503 });
    vault().setSecret("secret-0", "second value");
    await expect
      .poll(() => metric("rotation_reconcile_error_total", 'error_type="GRPCProviderError"'), { timeout: 60_000 })
      .toBeGreaterThanOrEqual(2);
    expect(await read("web", "secret-0")).toBe("first value of secret-0");
    await world.kubelet.publish("web");
    const [event, ...others] = eventsOf("web");
    expect(others).toEqual([]);
    expect(event).toMatch(/^Warning MountRotationFailed .*; the mounted content stays as it is$/);
    vault().behave();
    await expect.poll(() => read("web", "secret-0"), { timeout: 60_000 }).toBe("second value");
  });

  test.each([503, 401, 403])(
    "goes on rotating while the Kubernetes API answers %i, and is reported when it is back",
    async (status) => {
      await nextPasses(1, 1);
      world.emulator.kubernetes.failPlugin(status);
      const version = vault().setSecret("secret-0", "second value");
      await expect.poll(() => read("web", "secret-0"), { timeout: 30_000 }).toBe("second value");
      await nextPasses(1, 1);
      world.emulator.kubernetes.failPlugin(0);
      await expect
        .poll(() => world.podStatus("web"), { timeout: 30_000 })
        .toMatchObject({ objects: [{ id: "secret/secret-0", version }] });
      await expect.poll(owing).toBe(0);
      expect(await metric("rotation_reconcile_error_total")).toBe(0);
    },
  );

  test("is known again to a plugin that was killed as soon as kubelet publishes it again", async () => {
    await plugin.stop("SIGKILL");
    await start();
    vault().setSecret("secret-0", "second value");
    const before = asked.vault();
    await world.kubelet.publish("web");
    expect(asked.vault()).toBe(before);
    await expect.poll(() => read("web", "secret-0"), { timeout: 30_000 }).toBe("second value");
  });

  test("is not refreshed any more when it is unpublished", async () => {
    await nextPasses(1, 1);
    await world.kubelet.unpublish("web");
    await mount(["other"], "other", ["secret-1"]);
    const before = count(vault().tally.counters(), "GET /secrets/secret-0/");
    await nextPasses(2, 1);
    expect(count(vault().tally.counters(), "GET /secrets/secret-0/")).toBe(before);
  });
});

test("a vault that hangs delays no volume of another", async () => {
  const other = world.emulator.vaults.named("other-vault");
  other.setSecret("secret-0", "first value");
  other.allow(world.emulator.settings.demo.objectId, getRights);
  await mount(["quick"], "quick", ["secret-0"]);
  await world.createPod({
    pod: "slow",
    objects: objects(["secret-0"]),
    parameters: { keyvaultName: "other-vault" },
  });
  await world.kubelet.publish("slow");
  other.misbehave({ kind: "hang" });
  for (const value of ["second value", "third value"]) {
    vault().setSecret("secret-0", value);
    await expect.poll(() => read("quick", "secret-0"), { timeout: 30_000 }).toBe(value);
  }
  expect(await read("slow", "secret-0")).toBe("first value");
});

test("while the Kubernetes API is down Secrets are owed and nothing piles up, and when it is back they are paid", async () => {
  const { kubernetes } = world.emulator;
  kubernetes.rights.grantSecretSync(true);
  const pods = ["a", "b", "c"];
  for (const pod of pods) {
    const secretObjects = [{ secretName: `of-${pod}`, data: [{ objectName: "secret-0", key: "password" }] }];
    await world.createPod({ pod, objects: objects(["secret-0"]), secretObjects });
    await world.kubelet.publish(pod);
    expect(await syncedPassword(pod)).toBe("first value of secret-0");
  }
  await nextPasses(1, pods.length);
  kubernetes.failPlugin(503);
  kubernetes.tally.reset();
  vault().setSecret("secret-0", "second value");
  for (const pod of pods) await expect.poll(() => read(pod, "secret-0"), { timeout: 30_000 }).toBe("second value");
  await nextPasses(3, pods.length);
  expect(await owing()).toBe(pods.length);
  // Each volume has one request under way at a time, and the events of all have one.
  expect(kubernetes.tally.counters().peakInFlight).toBeLessThanOrEqual(pods.length + 1);

  kubernetes.failPlugin(0);
  for (const pod of pods) await expect.poll(() => syncedPassword(pod), { timeout: 30_000 }).toBe("second value");
  await expect.poll(owing).toBe(0);
  // The rotation, and once each what failed: the words of a failure come again after half an hour.
  await expect.poll(() => eventsOf("c").length, { timeout: 30_000 }).toBeGreaterThan(0);
  for (const pod of pods) expect(eventsOf(pod).length).toBeLessThanOrEqual(5);
}, 120_000);

async function syncedPassword(pod: string): Promise<string> {
  const found = await world.emulator.cluster.get({ plural: "secrets", namespace: "default", name: `of-${pod}` });
  const { password = "" } = (found?.["data"] ?? {}) as Readonly<Record<string, string>>;
  return Buffer.from(password, "base64").toString();
}
