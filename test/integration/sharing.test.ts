import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { getRights } from "../../src/emulator/vault/access.ts";
import type { Counters } from "../../src/emulator/tally.ts";
import { startWorld, type PluginProcess, type World } from "../fakes/world.ts";

const ten = Array.from({ length: 10 }, (_, index) => `secret-${index}`);
let world: World;
let plugin: PluginProcess;

beforeEach(async () => {
  world = await startWorld();
  for (const name of ten) vault().setSecret(name, `value of ${name}`);
  plugin = await world.startPlugin();
});
afterEach(async () => {
  await plugin.stop();
  await world.close();
});

function vault(name = "demo-vault") {
  return world.emulator.vaults.named(name);
}

function objects(names: readonly string[]): string {
  return JSON.stringify({ array: names.map((objectName) => JSON.stringify({ objectName, objectType: "secret" })) });
}

/** Another application that may read demo-vault. */
function register(): { readonly objectId: string; readonly credentials: Readonly<Record<string, string>> } {
  const app = { clientId: randomUUID(), clientSecret: randomUUID(), objectId: randomUUID() };
  world.emulator.entra.register({ tenantId: world.emulator.settings.tenantId, ...app });
  return { objectId: app.objectId, credentials: { clientid: app.clientId, clientsecret: app.clientSecret } };
}

/**
 * Everything, at most so many at the same time; resolves to how often an answer could have grown too old meanwhile: each
 * object may be read once more for every 2 s that it took.
 */
async function inFlight(limit: number, work: readonly (() => Promise<unknown>)[]): Promise<number> {
  const startedAt = Date.now();
  const rest = work.values();
  const worker = async (): Promise<void> => {
    for (const next of rest) await next();
  };
  await Promise.all(Array.from({ length: limit }, worker));
  return Math.ceil((Date.now() - startedAt) / 2_000);
}

function gets({ answers }: Counters): number {
  return Object.entries(answers).reduce(
    (sum, [what, count]) => (what.startsWith("GET /secrets/") ? sum + count : sum),
    0,
  );
}

describe("one fetch for many pods", () => {
  test("a storm of 100 pods with 10 secrets each costs 10 reads, no challenge, and one token", async () => {
    const pods = Array.from({ length: 100 }, (_, index) => `storm-${index}`);
    for (const pod of pods) await world.createPod({ pod, className: "storm", objects: objects(ten) });
    const ages = await inFlight(
      30,
      pods.map((pod) => () => world.kubelet.publish(pod)),
    );
    const asked = vault().tally.counters();
    expect(gets(asked)).toBeGreaterThanOrEqual(10);
    expect(gets(asked)).toBeLessThanOrEqual(10 * ages);
    expect(asked.challenges).toBe(0);
    expect(world.emulator.entra.tally.counters().requests).toBeLessThanOrEqual(3);
    for (const pod of ["storm-0", "storm-99"])
      expect(await readFile(join(await world.targetOf(pod), "secret-9"), "utf8")).toBe("value of secret-9");
  });

  test("a first mount of ten secrets asks the API server twice: for the class, and to write the pod's status", async () => {
    await world.createPod({ pod: "first", objects: objects(ten) });
    world.emulator.kubernetes.tally.reset();
    await world.kubelet.publish("first");
    const { answers } = world.emulator.kubernetes.tally.counters();
    const kubelets = /^GET \/api\/v1\/.*\/(pods|secrets)\//;
    expect(Object.entries(answers).filter(([what]) => !kubelets.test(what))).toEqual([
      [expect.stringMatching(/^GET .*\/secretproviderclasses\/\S+ 200$/), 1],
      [expect.stringMatching(/^PATCH .*\/secretproviderclasspodstatuses\/\S+ 201$/), 1],
    ]);
  });

  test("40 pods of 4 identities with 10 secrets each cost 40 reads", async () => {
    const identities = Array.from({ length: 4 }, () => {
      const { objectId, credentials } = register();
      vault().allow(objectId, getRights);
      return credentials;
    });
    const pods = Array.from({ length: 40 }, (_, index) => ({
      pod: `pod-${index}`,
      credentials: identities[index % 4],
    }));
    for (const { pod, credentials } of pods)
      await world.createPod({ pod, objects: objects(ten), ...(credentials && { credentials }) });
    const ages = await inFlight(
      30,
      pods.map(
        ({ pod }) =>
          () =>
            world.kubelet.publish(pod),
      ),
    );
    expect(gets(vault().tally.counters())).toBeGreaterThanOrEqual(40);
    expect(gets(vault().tally.counters())).toBeLessThanOrEqual(40 * ages);
    expect(vault().tally.counters().challenges).toBe(0);
  });

  test("an identity without the right never gets an object through another's fetch", async () => {
    const { credentials } = register();
    await world.createPod({ pod: "may", objects: objects(ten) });
    await world.createPod({ pod: "may-not", objects: objects(ten), credentials });
    vault().setLatency(100);
    const [may, mayNot] = await Promise.allSettled([world.kubelet.publish("may"), world.kubelet.publish("may-not")]);
    expect(may.status).toBe("fulfilled");
    expect(String((mayNot as PromiseRejectedResult).reason)).toContain("AccessDenied");
    await expect(world.kubelet.publish("may-not")).rejects.toThrow("AccessDenied");
  });

  test("a pod that starts 2 s later reads again, with the same token and without a challenge", async () => {
    await world.createPod({ pod: "first", objects: objects(["secret-0"]) });
    await world.kubelet.publish("first");
    const dropped = new Promise((resolve) => setTimeout(resolve, 2_100));
    vault().setSecret("secret-0", "changed");
    await world.createPod({ pod: "second", objects: objects(["secret-0"]) });
    await dropped;
    await world.kubelet.publish("second");
    expect(await readFile(join(await world.targetOf("second"), "secret-0"), "utf8")).toBe("changed");
    expect(vault().tally.counters()).toMatchObject({ challenges: 0, answers: { "GET /secrets/secret-0/ 200": 2 } });
  });

  test("a changed client secret is used at once", async () => {
    const { clientId: clientid, ...app } = world.emulator.settings.demo;
    await world.createPod({ pod: "old", objects: objects(["secret-0"]) });
    await world.kubelet.publish("old");
    world.emulator.entra.register({
      tenantId: world.emulator.settings.tenantId,
      ...app,
      clientId: clientid,
      clientSecret: "new",
    });
    await world.createPod({
      pod: "new",
      objects: objects(["secret-0"]),
      credentials: { clientid, clientsecret: "new" },
    });
    await world.kubelet.publish("new");
    await world.createPod({
      pod: "wrong",
      objects: objects(["secret-0"]),
      credentials: { clientid, clientsecret: "no" },
    });
    await expect(world.kubelet.publish("wrong")).rejects.toThrow("AADSTS7000215");
  });
});

describe("a vault that limits requests", () => {
  test("429 for 30 s: one request per Retry-After, then exactly the needed ones; nobody sees it but who is in a hurry", async () => {
    await world.createPod({ pod: "known", objects: objects(["secret-9"]) });
    await world.kubelet.publish("known");
    const retryAfterS = 5;
    vault().misbehave({ kind: "refuse", status: 429, retryAfterS, forMs: 30_000 });
    vault().tally.reset();
    const startedAt = Date.now();
    await world.createPod({ pod: "patient", objects: objects(ten.slice(0, 5)) });
    await world.createPod({ pod: "hurried", objects: objects(["secret-5"]) });
    const patient = world.kubelet.publish("patient");
    await until(() => throttledCount() >= 5);
    const refusal = await world.kubelet.publish("hurried", { deadlineMs: 4_000 }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      code: 8,
      details: expect.stringMatching(
        /throttled: vault demo-vault limits requests, and this node pauses for 5 s/,
      ) as string,
    });
    await patient;
    const seconds = (Date.now() - startedAt) / 1000;
    const { answers } = vault().tally.counters();
    // Five left together before the first refusal; afterwards one at each end of a pause.
    expect(throttledCount()).toBeLessThanOrEqual(5 + 30 / retryAfterS);
    expect(seconds).toBeLessThan(30 + retryAfterS + 3);
    for (const name of ten.slice(0, 5)) expect(answers[`GET /secrets/${name}/ 200`]).toBe(1);
    await world.kubelet.publish("hurried");
    expect(vault().tally.counters().answers["GET /secrets/secret-5/ 200"]).toBe(1);
  });

  test("a Retry-After of a day is a pause of 5 minutes, and who cannot wait is told so at once", async () => {
    vault().misbehave({ kind: "refuse", status: 429, retryAfterS: 86_400 });
    await world.createPod({ pod: "refused", objects: objects(ten) });
    await expect(world.kubelet.publish("refused")).rejects.toMatchObject({
      code: 8,
      details: expect.stringContaining("this node pauses for 300 s") as string,
    });
    await expect(world.kubelet.publish("refused")).rejects.toMatchObject({ code: 8 });
    expect(throttledCount()).toBeLessThanOrEqual(10);
  });

  function throttledCount(): number {
    const { answers } = vault().tally.counters();
    return Object.entries(answers).reduce((sum, [what, count]) => (what.endsWith(" 429") ? sum + count : sum), 0);
  }
});

describe("what is wrong with one vault is nobody else's", () => {
  test("a vault that never answers", async () => {
    vault("other-vault").allow(world.emulator.settings.demo.objectId, getRights);
    vault("other-vault").misbehave({ kind: "hang" });
    await world.createPod({ pod: "hangs", objects: objects(ten), parameters: { keyvaultName: "other-vault" } });
    const left = new AbortController();
    const hangs = world.kubelet.publish("hangs", { signal: left.signal }).catch((error: unknown) => error);
    await until(() => vault("other-vault").tally.counters().peakInFlight === 10);
    await world.createPod({ pod: "fine", objects: objects(ten) });
    await world.kubelet.publish("fine");
    left.abort();
    expect(await hangs).toMatchObject({ code: 1 });
  });

  test("a token service that does not answer takes no place at the vault", async () => {
    await world.createPod({ pod: "known", objects: objects(["secret-0"]) });
    await world.kubelet.publish("known");
    world.emulator.entra.misbehave({ kind: "hang" });
    const left = new AbortController();
    const waiting = Array.from({ length: 3 }, async (_, index) => {
      const { objectId, credentials } = register();
      vault().allow(objectId, getRights);
      await world.createPod({ pod: `hangs-${index}`, objects: objects(ten), credentials });
      await world.kubelet.publish(`hangs-${index}`, { signal: left.signal }).catch(() => undefined);
    });
    await until(() => world.emulator.entra.tally.counters().peakInFlight >= 3);
    await world.createPod({ pod: "fine", objects: objects(ten) });
    await world.kubelet.publish("fine");
    left.abort();
    await Promise.all(waiting);
  });

  test("500 objects of one identity do not keep another's waiting", async () => {
    const many = Array.from({ length: 500 }, (_, index) => `many-${index}`);
    for (const name of many) vault().setSecret(name, "x");
    const { objectId, credentials } = register();
    vault().allow(objectId, getRights);
    vault().setLatency(50);
    await world.createPod({ pod: "huge", objects: objects(many) });
    await world.createPod({ pod: "small", objects: objects(["secret-0"]), credentials });
    let hugeIsThere = false;
    const huge = world.kubelet.publish("huge").then(() => (hugeIsThere = true));
    await until(() => vault().tally.counters().peakInFlight > 10);
    await world.kubelet.publish("small");
    expect(hugeIsThere).toBe(false);
    await huge;
    expect(vault().tally.counters().peakInFlight).toBeLessThanOrEqual(20);
  });

  test("a connection that is reset before an answer costs nothing but another try", async () => {
    await world.createPod({ pod: "known", objects: objects(["secret-0"]) });
    await world.kubelet.publish("known");
    vault().misbehave({ kind: "drop", requests: 1 });
    await world.createPod({ pod: "reset", objects: objects(["secret-1"]) });
    await world.kubelet.publish("reset");
    expect(vault().tally.counters().answers).toMatchObject({
      "GET /secrets/secret-1/ dropped": 1,
      "GET /secrets/secret-1/ 200": 1,
    });
  });

  test("half an answer is a failure that says so, and is not asked for again", async () => {
    await world.createPod({ pod: "known", objects: objects(["secret-0"]) });
    await world.kubelet.publish("known");
    vault().misbehave({ kind: "half", requests: 1 });
    await world.createPod({ pod: "half", objects: objects(["secret-1"]) });
    await expect(world.kubelet.publish("half")).rejects.toThrow("vault demo-vault");
    await world.kubelet.publish("half");
  });
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
