import { beforeEach, expect, test } from "vitest";
import { freshen } from "../../../src/volume/freshen.ts";
import { aTarget } from "../../fakes/messages.ts";
import { payloadOf } from "../../fakes/payload.ts";
import { aRequest, aVolume, createCoreWorld, noSignal, type CoreWorld } from "../../fakes/volumes.ts";

let world: CoreWorld;

beforeEach(() => {
  world = createCoreWorld();
  world.mounter.states.set(aTarget, "mounted");
  world.files.volumes.set(aTarget, { payload: payloadOf({ password: "old" }), group: undefined });
  world.ports.volumes.remember(aVolume, { kind: "takeover", request: aRequest, since: new Date() });
});

const texts = (): string[] =>
  (world.files.volumes.get(aTarget)?.payload ?? []).map(({ contents }) => Buffer.from(contents).toString());

test("a known, mounted volume gets what the provider has", async () => {
  await freshen(aRequest, world.ports, noSignal);
  expect(texts()).not.toEqual(["old"]);
});

test("a volume that lost its mount is left alone: its files would go to the node's disk", async () => {
  world.mounter.states.set(aTarget, "directory");
  await freshen(aRequest, world.ports, noSignal);
  expect(texts()).toEqual(["old"]);
});

test("a volume that was forgotten meanwhile is left alone", async () => {
  world.ports.volumes.forget(aTarget);
  await freshen(aRequest, world.ports, noSignal);
  expect(texts()).toEqual(["old"]);
});
