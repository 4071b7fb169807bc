import { beforeEach, expect, test } from "vitest";
import { dropOverdue } from "../../../src/rotation/overdue.ts";
import { aTarget } from "../../fakes/messages.ts";
import { aKnownVolume, createCoreWorld, type CoreWorld } from "../../fakes/volumes.ts";

let world: CoreWorld;

beforeEach(() => {
  world = createCoreWorld();
  world.ports.volumes.remember(aKnownVolume({ handedOverAt: world.ports.elapsed() }));
});

const isDropped = (): boolean => world.ports.volumes.get(aTarget)?.credentials === undefined;

test("credentials are dropped when kubelet did not hand them over again for 15 minutes, and an event says so once", () => {
  const start = world.now.getTime();
  for (const minutes of [14.9, 15, 16]) {
    world.now = new Date(start + minutes * 60_000);
    dropOverdue(world.ports);
    expect(isDropped()).toBe(minutes >= 15);
  }
  expect(world.events.recorded).toMatchObject([{ type: "Warning", reason: "MountRotationFailed" }]);
  expect(world.events.recorded[0]?.message).toContain("check the Secret that nodePublishSecretRef of the pod names");
});

test.each([20, -20])("credentials stay when somebody sets the time of day by %i minutes", (minutes) => {
  world.jumpedMs = minutes * 60_000;
  world.now = new Date(world.now.getTime() + world.jumpedMs);
  dropOverdue(world.ports);
  expect(isDropped()).toBe(false);
  expect(world.events.recorded).toEqual([]);
});
