import { afterEach, beforeEach, expect, test } from "vitest";
import { parseNodeFlags } from "../../../src/commands/node-flags.ts";
import { startUpkeep } from "../../../src/commands/node-upkeep.ts";
import { HELD_UP_PERIOD_MS } from "../../../src/rotation/held-up.ts";
import { OVERDUE_PERIOD_MS } from "../../../src/rotation/overdue.ts";
import { REPAIR_PERIOD_MS } from "../../../src/rotation/repair.ts";
import { aTarget } from "../../fakes/messages.ts";
import { createFakeSchedule, type FakeSchedule } from "../../fakes/schedule.ts";
import { aKnownVolume, createCoreWorld, type CoreWorld } from "../../fakes/volumes.ts";

const INTERVAL_MS = 120_000;
let world: CoreWorld;
let schedule: FakeSchedule;
let upkeep: AsyncDisposable;

beforeEach(() => {
  world = createCoreWorld();
  schedule = createFakeSchedule();
  world.mounter.states.set(aTarget, "mounted");
});

function start(...flags: readonly string[]): void {
  upkeep = startUpkeep(parseNodeFlags(["--nodeid=node-1", ...flags]).values, world.ports, schedule);
}

afterEach(() => upkeep[Symbol.asyncDispose]());

const known = () => world.ports.volumes.get(aTarget);

test("every 5 minutes what is owed is paid", async () => {
  start();
  world.ports.volumes.remember(aKnownVolume({ report: "owed" }));
  await schedule.run(REPAIR_PERIOD_MS);
  expect(known()?.report).toBe("told");
});

test("every 5 seconds it is looked whether the status of an earlier pod has gone", async () => {
  start();
  world.ports.volumes.remember(aKnownVolume({ report: "owed", heldUpSince: world.ports.elapsed() }));
  await schedule.run(HELD_UP_PERIOD_MS);
  expect(known()?.report).toBe("told");
});

test("every minute credentials that kubelet did not hand over again are dropped", async () => {
  start();
  world.ports.volumes.remember(aKnownVolume({ handedOverAt: world.ports.elapsed() - 15 * 60_000 }));
  await schedule.run(OVERDUE_PERIOD_MS);
  expect(known()?.credentials).toBeUndefined();
});

test.each([
  [["--enable-secret-rotation"], 1],
  [[], 0],
])("with flags %j a vault is asked %i times in an interval", async (flags, times) => {
  start(...flags);
  world.ports.volumes.remember(aKnownVolume({ handedOverAt: world.ports.elapsed() }));
  await schedule.run(INTERVAL_MS);
  await expect.poll(() => world.providers.requests).toHaveLength(times);
});

test("nothing comes round once it has ended", async () => {
  start("--enable-secret-rotation");
  await upkeep[Symbol.asyncDispose]();
  world.ports.volumes.remember(aKnownVolume({ report: "owed", handedOverAt: world.ports.elapsed() }));
  await schedule.run();
  expect([world.statuses.applied, world.providers.requests]).toEqual([[], []]);
});
