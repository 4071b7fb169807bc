import { beforeEach, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import { repair } from "../../../src/rotation/repair.ts";
import { aTarget } from "../../fakes/messages.ts";
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

test("a volume in flight is left to those who have it", async () => {
  using claim = world.ports.volumes.claim(aVolume);
  expect(claim).toBeDefined();
  await repair(world.ports, noSignal);
  expect(world.statuses.reads).toEqual([]);
});

test("a class that asks for no Secrets owes none, also for a volume that was taken over", async () => {
  world.ports.volumes.change(aVolume, { report: "told", secretProviderClass: undefined, secretsOwed: true });
  await repair(world.ports, noSignal);
  expect(world.ports.volumes.get(aTarget)?.secretsOwed).toBe(false);
});

test("Secrets whose files cannot be read are owed, and an event says why", async () => {
  const data = [{ objectName: "password", key: "p" }];
  const secretObjects = [{ secretName: "db", type: "", labels: {}, annotations: {}, data }];
  world.classes.held.set("shop/vault", { provider: "azure", parameters: { keyvaultName: "kv" }, secretObjects });
  world.ports.volumes.change(aVolume, { report: "told" });
  world.files.read = () => Promise.reject(new DriverError("FileWriteError", "no such volume"));
  await repair(world.ports, noSignal);
  expect(world.ports.volumes.get(aTarget)?.secretsOwed).toBe(true);
  expect(world.events.recorded).toMatchObject([
    { reason: "FailedToCreateSecret", message: "failed to sync Kubernetes Secrets: no such volume" },
  ]);
});

test("a repair that is stopped does nothing more", async () => {
  await repair(world.ports, AbortSignal.abort());
  expect(world.statuses.reads).toEqual([]);
});
