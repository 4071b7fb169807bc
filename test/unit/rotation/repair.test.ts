import { once } from "node:events";
import { setImmediate } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import { repair } from "../../../src/rotation/repair.ts";
import { publishVolume } from "../../../src/volume/publish.ts";
import { aTarget } from "../../fakes/messages.ts";
import { payloadOf } from "../../fakes/payload.ts";
import { aKnownVolume, aRequest, aVolume, createCoreWorld, noSignal, type CoreWorld } from "../../fakes/volumes.ts";

let world: CoreWorld;

beforeEach(() => {
  world = createCoreWorld();
  world.mounter.states.set(aTarget, "mounted");
  world.ports.volumes.remember(aKnownVolume({ report: "unknown", versions: undefined }));
});

const reports = (): unknown[] => world.ports.volumes.all().map(({ report }) => report);

test("a volume that was taken over is freshened and reported", async () => {
  await repair(world.ports, noSignal);
  expect(world.statuses.applied).toHaveLength(1);
  expect(reports()).toEqual(["told"]);
});

test("a volume that was taken over and lost its credentials waits for kubelet", async () => {
  world.ports.volumes.change(aVolume, { credentials: undefined });
  await repair(world.ports, noSignal);
  expect(world.providers.requests).toEqual([]);
  expect(reports()).toEqual(["unknown"]);
});

test("an owed status is kept however long it takes", async () => {
  world.statuses.failure = new DriverError("KubernetesUnavailable", "unreachable");
  world.ports.volumes.change(aVolume, { report: "owed", credentials: undefined });
  await repair(world.ports, noSignal);
  world.now = new Date(world.now.getTime() + 24 * 3_600_000);
  await repair(world.ports, noSignal);
  expect(reports()).toEqual(["owed"]);
  world.statuses.failure = undefined;
  await repair(world.ports, noSignal);
  expect(reports()).toEqual(["told"]);
});

test("one volume that cannot be repaired hinders no other", async () => {
  const other = { ...aVolume, targetPath: `${aTarget}-other`, className: "other" };
  world.mounter.states.set(other.targetPath, "mounted");
  world.classes.held.set("shop/other", { provider: "azure", parameters: { keyvaultName: "kv" } });
  world.classes.held.delete("shop/vault");
  world.ports.volumes.remember(aKnownVolume({ ...aRequest, volume: other, report: "unknown", versions: undefined }));
  await repair(world.ports, noSignal);
  expect(reports()).toEqual(["unknown", "told"]);
});

describe("of a volume in flight", () => {
  test("the report is left to those who have it, and the Secrets are restored when they are done", async () => {
    const claim = world.ports.volumes.claim(aVolume);
    const repaired = repair(world.ports, noSignal);
    await setImmediate();
    expect([world.statuses.reads, world.classes.reads]).toEqual([[], []]);
    claim?.[Symbol.dispose]();
    await repaired;
    expect([world.statuses.reads, world.classes.reads]).toEqual([[], ["shop/vault"]]);
  });

  test("nothing is done where they are not done in time", async () => {
    using claim = world.ports.volumes.claim(aVolume);
    expect(claim).toBeDefined();
    await repair(world.ports, noSignal, 1);
    expect([world.statuses.reads, world.classes.reads]).toEqual([[], []]);
  });
});

test("what a publish is just telling of its volume is not told again", async () => {
  world = createCoreWorld();
  const answer = Promise.withResolvers<undefined>();
  let tells = 0;
  world.statuses.apply = async () => {
    tells += 1;
    await answer.promise;
  };
  const publishing = publishVolume(aRequest, world.ports, { signal: noSignal });
  await expect.poll(() => tells).toBe(1);
  await repair(world.ports, noSignal, 1);
  answer.resolve(undefined);
  await publishing;
  expect(tells).toBe(1);
});

describe("of a class that is gone", () => {
  beforeEach(() => {
    world.classes.held.clear();
    world.ports.volumes.change(aVolume, { report: "told", secretsOwed: true });
  });

  test("no Secrets are owed, and nothing is told, where nobody has ever read it", async () => {
    await repair(world.ports, noSignal);
    expect(world.ports.volumes.get(aTarget)?.secretsOwed).toBe(false);
    expect([world.events.recorded, world.metrics.counted]).toEqual([[], []]);
  });

  test("those that it asked for when it was read last are owed", async () => {
    const secretObjects = [{ secretName: "db", type: "", labels: {}, annotations: {}, data: [] }];
    const ref = { namespace: "shop", name: "vault" };
    world.ports.volumes.change(aVolume, {
      secretProviderClass: { ref, provider: "azure", parameters: {}, secretObjects },
    });
    await repair(world.ports, noSignal);
    expect(world.ports.volumes.get(aTarget)?.secretsOwed).toBe(true);
    expect(world.events.recorded).toMatchObject([{ reason: "FailedToCreateSecret" }]);
  });
});

test("a class that asks for no Secrets owes none, also for a volume that was taken over", async () => {
  world.ports.volumes.change(aVolume, { report: "told", secretProviderClass: undefined, secretsOwed: true });
  await repair(world.ports, noSignal);
  expect(world.ports.volumes.get(aTarget)?.secretsOwed).toBe(false);
});

/** The class mirrors the password of each volume to the Secret `db`. */
function wantSecret(): void {
  const data = [{ objectName: "password", key: "p" }];
  const secretObjects = [{ secretName: "db", type: "", labels: {}, annotations: {}, data }];
  world.classes.held.set("shop/vault", { provider: "azure", parameters: { keyvaultName: "kv" }, secretObjects });
}

test("Secrets whose files cannot be read are owed, counted as failed, and an event says why", async () => {
  wantSecret();
  world.ports.volumes.change(aVolume, { report: "told" });
  world.files.read = () => Promise.reject(new DriverError("FileWriteError", "no such volume"));
  await repair(world.ports, noSignal);
  expect(world.ports.volumes.get(aTarget)?.secretsOwed).toBe(true);
  expect(world.metrics.counted).toMatchObject([
    ["secretSynced", { provider: "azure", durationMs: 0, error: { reason: "FileWriteError" } }],
  ]);
  expect(world.events.recorded).toMatchObject([
    { reason: "FailedToCreateSecret", message: "failed to sync Kubernetes Secrets: no such volume" },
  ]);
});

test("a repair that is stopped in the middle tells nothing of it", async () => {
  const stop = new AbortController();
  world.ports.volumes.change(aVolume, { report: "owed" });
  world.statuses.apply = () => {
    stop.abort();
    return Promise.reject(new DriverError("DeadlineExceeded", "the caller's deadline ended"));
  };
  await repair(world.ports, stop.signal);
  expect(world.events.recorded).toEqual([]);
  expect(reports()).toEqual(["owed"]);
});

test("a repair that is stopped does nothing more", async () => {
  await repair(world.ports, AbortSignal.abort());
  expect(world.statuses.reads).toEqual([]);
});

describe("of twelve volumes", () => {
  const indices = Array.from({ length: 12 }, (_, index) => index);

  beforeEach(() => {
    world.ports.volumes.forget(aTarget);
    for (const index of indices) {
      const targetPath = `${aTarget}-${index}`;
      const pod = { ...aVolume.pod, name: `web-${index}`, uid: `uid-${index}` };
      const volume = { ...aVolume, pod, targetPath };
      world.mounter.states.set(targetPath, "mounted");
      world.files.volumes.set(targetPath, { payload: payloadOf({ password: "hunter2" }), group: undefined });
      world.ports.volumes.remember(aKnownVolume({ ...aRequest, volume, report: "owed", secretsOwed: true }));
      const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: `of-${index}`, uid: `rs-${index}` };
      world.pods.held.set(`shop/web-${index}`, { uid: pod.uid, owners: [owner], ending: false });
    }
  });

  test("five are repaired at once", async () => {
    const { apply } = world.statuses;
    const gate = Promise.withResolvers<undefined>();
    let underWay = 0;
    let most = 0;
    world.statuses.apply = async (status, signal) => {
      most = Math.max(most, (underWay += 1));
      await gate.promise;
      underWay -= 1;
      return apply(status, signal);
    };
    const repaired = repair(world.ports, noSignal);
    await expect.poll(() => underWay).toBe(5);
    gate.resolve(undefined);
    await repaired;
    expect(most).toBe(5);
    expect(reports()).toEqual(indices.map(() => "told"));
  });

  test("those whose calls hang are given up in time, and the others repaired", async () => {
    const { apply } = world.statuses;
    world.statuses.apply = async (status, signal) => {
      if (status.pod.name !== "web-0" && status.pod.name !== "web-7") return apply(status, signal);
      await once(signal, "abort");
      throw new DriverError("DeadlineExceeded", "the caller's deadline ended");
    };
    await repair(world.ports, noSignal, 1);
    expect(reports()).toEqual(indices.map((index) => (index % 7 === 0 && index < 8 ? "owed" : "told")));
  });

  test("the Secret of all is made once, owned by each, and when nothing changed read once", async () => {
    wantSecret();
    await repair(world.ports, noSignal);
    const owners = world.secrets.held.get("shop/db")?.owners.map(({ uid }) => uid);
    expect(owners?.sort()).toEqual(indices.map((index) => `rs-${index}`).sort());
    expect(world.ports.volumes.all().map(({ secretsOwed }) => secretsOwed)).toEqual(indices.map(() => false));
    world.secrets.calls.length = 0;
    await repair(world.ports, noSignal);
    expect(world.secrets.calls).toEqual(["read shop/db"]);
  });

  test("the Secret that the API server does not write is tried once for all, and owed by each", async () => {
    wantSecret();
    let creates = 0;
    world.secrets.create = () => {
      creates += 1;
      return Promise.reject(new DriverError("KubernetesUnavailable", "no answer in 10 s"));
    };
    await repair(world.ports, noSignal);
    expect(creates).toBe(1);
    expect(world.ports.volumes.all().map(({ secretsOwed }) => secretsOwed)).toEqual(indices.map(() => true));
    await repair(world.ports, noSignal);
    expect(creates).toBe(2);
  });
});
