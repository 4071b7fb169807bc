import { beforeEach, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import { repair } from "../../../src/rotation/repair.ts";
import { aTarget } from "../../fakes/messages.ts";
import { aRequest, aVolume, createCoreWorld, noSignal, type CoreWorld } from "../../fakes/volumes.ts";

let world: CoreWorld;

beforeEach(() => {
  world = createCoreWorld();
  world.mounter.states.set(aTarget, "mounted");
  const since = world.now;
  world.ports.volumes.remember(aVolume, { kind: "takeover", request: aRequest, since });
});

function laterBy(minutes: number): void {
  world.now = new Date(world.now.getTime() + minutes * 60_000);
}

test("a volume that was taken over is freshened and reported", async () => {
  await repair(world.ports, noSignal);
  expect(world.statuses.applied).toHaveLength(1);
  expect(world.ports.volumes.owing()).toEqual([]);
});

test("credentials are used up to 10 minutes after kubelet handed them over", async () => {
  laterBy(10);
  await repair(world.ports, noSignal);
  expect(world.providers.requests).toHaveLength(1);
});

test("credentials that would be 15 minutes old at the next repair are dropped, and the log says so", async () => {
  laterBy(10.01);
  await repair(world.ports, noSignal);
  expect(world.providers.requests).toEqual([]);
  expect(world.ports.volumes.get(aTarget)).toBeUndefined();
  expect(world.log.lines.join()).toContain("could not be reported in time");
});

test("an owed status holds no credentials and is kept however long it takes", async () => {
  world.statuses.failure = new DriverError("KubernetesUnavailable", "unreachable");
  const status = { ref: { namespace: "shop", name: "s" }, pod: aVolume.pod, nodeName: "n", className: "c" };
  const known = world.ports.volumes.remember(aVolume, {
    kind: "status",
    status: { ...status, targetPath: aTarget, objects: [] },
  });
  laterBy(24 * 60);
  await repair(world.ports, noSignal);
  expect(world.ports.volumes.owing()).toEqual([known]);
});

test("one volume that cannot be repaired hinders no other", async () => {
  const other = { ...aVolume, targetPath: `${aTarget}-other`, className: "other" };
  const request = { ...aRequest, volume: other };
  world.classes.held.set("shop/other", { provider: "azure", parameters: { keyvaultName: "kv" } });
  world.classes.held.delete("shop/vault");
  world.ports.volumes.remember(other, { kind: "takeover", request, since: world.now });
  await repair(world.ports, noSignal);
  expect(world.ports.volumes.owing().map(({ volume }) => volume.className)).toEqual(["vault"]);
});

test("a repair that is stopped does nothing more", async () => {
  await repair(world.ports, AbortSignal.abort());
  expect(world.statuses.reads).toEqual([]);
});
