import { expect, test } from "vitest";
import { dropOverdue } from "../../../src/rotation/overdue.ts";
import { aTarget } from "../../fakes/messages.ts";
import { aKnownVolume, createCoreWorld } from "../../fakes/volumes.ts";

test("credentials are dropped when kubelet did not hand them over again for 15 minutes, and an event says so once", () => {
  const world = createCoreWorld();
  world.ports.volumes.remember(aKnownVolume({ handedOverAt: world.now }));
  const start = world.now.getTime();
  for (const minutes of [14.9, 15, 16]) {
    world.now = new Date(start + minutes * 60_000);
    dropOverdue(world.ports);
    expect(world.ports.volumes.get(aTarget)?.credentials === undefined).toBe(minutes >= 15);
  }
  expect(world.events.recorded).toMatchObject([{ type: "Warning", reason: "MountRotationFailed" }]);
  expect(world.events.recorded[0]?.message).toContain("check the Secret that nodePublishSecretRef of the pod names");
});
