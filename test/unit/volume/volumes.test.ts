import { expect, test } from "vitest";
import { createVolumes, type Debt } from "../../../src/volume/volumes.ts";
import { aTarget } from "../../fakes/messages.ts";
import { aRequest, aVolume } from "../../fakes/volumes.ts";

const debt: Debt = { kind: "takeover", request: aRequest, since: new Date(0) };

test("a volume is known from when it is remembered until it is forgotten", () => {
  const volumes = createVolumes();
  expect(volumes.get(aTarget)).toBeUndefined();
  volumes.remember(aVolume, debt);
  expect(volumes.get(aTarget)).toEqual({ volume: aVolume, debt });
  volumes.forget(aTarget);
  expect(volumes.get(aTarget)).toBeUndefined();
});

test("a volume owes until it is settled", () => {
  const volumes = createVolumes();
  const known = volumes.remember(aVolume, debt);
  expect(volumes.owing()).toEqual([known]);
  volumes.settle(known);
  expect(volumes.owing()).toEqual([]);
  expect(volumes.get(aTarget)).toEqual({ volume: aVolume, debt: undefined });
});

test("a settled debt is not another one that came meanwhile", () => {
  const volumes = createVolumes();
  const first = volumes.remember(aVolume, debt);
  const second = volumes.remember(aVolume, debt);
  volumes.settle(first);
  expect(volumes.owing()).toEqual([second]);
});

test("a debt that is settled late brings no forgotten volume back", () => {
  const volumes = createVolumes();
  const known = volumes.remember(aVolume, debt);
  volumes.forget(aTarget);
  volumes.settle(known);
  expect(volumes.get(aTarget)).toBeUndefined();
});
