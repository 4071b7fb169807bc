import { beforeEach, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import type { PodStatus } from "../../../src/model.ts";
import { HELD_UP_PERIOD_MS, reportHeldUp } from "../../../src/rotation/held-up.ts";
import { deliver } from "../../../src/volume/deliver.ts";
import type { VolumePorts } from "../../../src/volume/volume-ports.ts";
import { aTarget } from "../../fakes/messages.ts";
import { aKnownVolume, aVolume, createCoreWorld, noSignal, type CoreWorld } from "../../fakes/volumes.ts";

const moved = new DriverError("Busy", "still that of a pod on another node");
let world: CoreWorld;
let ports: VolumePorts;
let tries: number;

/** A pod that moved here has its volume; what is said of writing its status is this. */
async function publish(answer: () => DriverError | undefined): Promise<void> {
  const apply = (): Promise<void> => {
    tries += 1;
    const error = answer();
    return error === undefined ? Promise.resolve() : Promise.reject(error);
  };
  ports = { ...world.ports, statuses: { ...world.ports.statuses, apply } };
  ports.volumes.remember(aKnownVolume({ report: "owed" }));
  await deliver({ volume: aVolume, files: [], occasion: "publish" }, ports, noSignal);
}

async function pass(milliseconds: number): Promise<void> {
  for (let ms = 0; ms < milliseconds; ms += HELD_UP_PERIOD_MS) {
    world.now = new Date(world.now.getTime() + HELD_UP_PERIOD_MS);
    await reportHeldUp(ports, noSignal);
  }
}

beforeEach(() => {
  world = createCoreWorld();
  tries = 0;
});

test("the status of a pod that moved is written as soon as that of the one before has gone, and nothing is said of it", async () => {
  let collected = false;
  await publish(() => (collected ? undefined : moved));
  await pass(10_000);
  collected = true;
  await pass(30_000);
  expect(tries).toBe(4);
  expect(ports.volumes.get(aTarget)?.report).toBe("told");
  expect(world.events.recorded).toEqual([]);
});

test("where it does not go within a minute an event says so, and it is left to the repair", async () => {
  await publish(() => moved);
  await pass(300_000);
  expect(tries).toBe(13);
  expect(world.events.recorded).toMatchObject([{ type: "Warning", reason: "MountRotationFailed" }]);
});

test("what fails for another reason is told at once, and is not tried again here", async () => {
  await publish(() => new DriverError("PermissionDenied", "no"));
  expect(world.events.recorded).toHaveLength(1);
  await pass(60_000);
  expect(tries).toBe(1);
});

test("one that does not answer holds up no other", async () => {
  const never = Promise.withResolvers<undefined>();
  const other = { ...aVolume, targetPath: `${aTarget}-other`, pod: { ...aVolume.pod, name: "web-1" } };
  const apply = ({ pod }: PodStatus): Promise<void> => (pod.name === "web-0" ? never.promise : Promise.resolve());
  ports = { ...world.ports, statuses: { ...world.ports.statuses, apply } };
  for (const volume of [aVolume, other])
    ports.volumes.remember(aKnownVolume({ volume, report: "owed", heldUpSince: ports.elapsed() }));
  const tried = reportHeldUp(ports, noSignal);
  await expect.poll(() => ports.volumes.get(other.targetPath)?.report).toBe("told");
  never.resolve(undefined);
  await tried;
});

test("a status that was written and is held up again, much later, has its minute anew", async () => {
  let collected = false;
  await publish(() => (collected ? undefined : moved));
  collected = true;
  await pass(HELD_UP_PERIOD_MS);
  collected = false;
  await pass(600_000);
  ports.volumes.change(aVolume, { report: "owed" });
  await deliver({ volume: aVolume, files: [], occasion: "rotation" }, ports, noSignal);
  expect(world.events.recorded).toEqual([]);
});
