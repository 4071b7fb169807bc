import { describe, expect, test } from "vitest";
import { createVolumes } from "../../../src/volume/volumes.ts";
import { aTarget } from "../../fakes/messages.ts";
import { aKnownVolume, aRequest, aVolume, noSignal } from "../../fakes/volumes.ts";

const known = aKnownVolume();

test("a volume is known from when it is remembered until it is forgotten", () => {
  const volumes = createVolumes({ keepsCredentials: true });
  expect(volumes.get(aTarget)).toBeUndefined();
  volumes.remember(known);
  expect(volumes.get(aTarget)).toEqual(known);
  expect(volumes.all()).toEqual([known]);
  volumes.forget(aTarget);
  expect(volumes.get(aTarget)).toBeUndefined();
  expect(volumes.all()).toEqual([]);
});

describe("a change", () => {
  test("leaves what changed meanwhile beside it", () => {
    const volumes = createVolumes({ keepsCredentials: true });
    volumes.remember(known);
    volumes.change(aVolume, { failing: true });
    volumes.change(aVolume, { report: "owed" });
    expect(volumes.get(aTarget)).toEqual({ ...known, failing: true, report: "owed" });
  });

  test("that comes late brings no forgotten volume back", () => {
    const volumes = createVolumes({ keepsCredentials: true });
    volumes.remember(known);
    volumes.forget(aTarget);
    expect(volumes.change(aVolume, { report: "told" })).toBeUndefined();
    expect(volumes.get(aTarget)).toBeUndefined();
  });

  test("of one publication is none of the next at the same target", () => {
    const volumes = createVolumes({ keepsCredentials: true });
    volumes.remember(known);
    volumes.remember(aKnownVolume({ volume: { ...aVolume }, report: "owed" }));
    expect(volumes.change(aVolume, { report: "told" })).toBeUndefined();
    expect(volumes.get(aTarget)?.report).toBe("owed");
  });
});

test("a republish hands over credentials, and the publication stays the one it was", () => {
  const volumes = createVolumes({ keepsCredentials: true });
  volumes.remember(known);
  const credentials = { secrets: { clientid: "new" } };
  const at = 5;
  volumes.handOver({ ...aRequest, volume: { ...aVolume }, credentials }, at);
  expect(volumes.get(aTarget)).toEqual({ ...known, credentials, handedOverAt: at });
  expect(volumes.get(aTarget)?.volume).toBe(aVolume);
});

test("nothing is handed over to a volume that is not known", () => {
  expect(createVolumes({ keepsCredentials: true }).handOver(aRequest, 5)).toBeUndefined();
});

test("a volume is claimed by one at a time, and by the next when he is done", () => {
  const { claim } = createVolumes({ keepsCredentials: true });
  {
    using first = claim(aVolume);
    expect(first).toBeDefined();
    expect(claim(aVolume)).toBeUndefined();
    expect(claim({ ...aVolume })).toBeDefined();
  }
  expect(claim(aVolume)).toBeDefined();
});

test("who waits for a claim has it next, and who leaves meanwhile has none", async () => {
  const { claim, claimInTurn } = createVolumes({ keepsCredentials: true });
  const leaving = new AbortController();
  const first = claim(aVolume);
  const [impatient, patient] = [claimInTurn(aVolume, leaving.signal), claimInTurn(aVolume, noSignal)];
  leaving.abort();
  expect(await impatient).toBeUndefined();
  first?.[Symbol.dispose]();
  using second = await patient;
  expect(second).toBeDefined();
  expect(claim(aVolume)).toBeUndefined();
});

test("of many who wait for a claim one has it at a time", async () => {
  const { claimInTurn } = createVolumes({ keepsCredentials: true });
  let atOnce = 0;
  const waiters = Array.from({ length: 5 }, async () => {
    using claim = await claimInTurn(aVolume, noSignal);
    expect(claim).toBeDefined();
    expect((atOnce += 1)).toBe(1);
    await Promise.resolve();
    atOnce -= 1;
  });
  await Promise.all(waiters);
});
