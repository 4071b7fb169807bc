import { afterEach, describe, expect, test } from "vitest";
import type { VaultLoad } from "../../../../src/ports.ts";
import { createVaults } from "../../../../src/provider/azure/vaults.ts";
import { vaultMeans } from "../../../fakes/azure-means.ts";
import { createFakeMetrics } from "../../../fakes/ports.ts";
import { refuse, startScriptedAzure, type AzurePlay, type ScriptedAzure } from "../../../fakes/vault-script-server.ts";

const never = new AbortController().signal;

let azure: ScriptedAzure | undefined;
afterEach(async () => {
  await azure?.stop();
  azure = undefined;
});

async function start(play: AzurePlay = {}, clock = () => new Date()) {
  const running = await startScriptedAzure(play);
  azure = running;
  let loads: () => readonly VaultLoad[] = () => [];
  const fake = createFakeMetrics();
  const metrics = { ...fake, watchVaults: (watched: typeof loads) => (loads = watched) };
  const openVault = createVaults({ ...vaultMeans(running.transport), clock, metrics });
  const freshness = { notOlderThan: new Date(0), priority: "mount" } as const;
  const read = (name = "s1", signal = never) =>
    openVault(running.address("kv1"), running.identity(), freshness).secret(name, "", signal);
  return { read, counted: fake.counted, loads: () => loads() };
}

describe("what is counted", () => {
  test("one request, however many share it, with its object and how long it took", async () => {
    const { read, counted } = await start();
    await Promise.all(Array.from({ length: 50 }, () => read()));
    expect(counted).toEqual([
      ["vaultRequest", { objectType: "secret", objectName: "s1", durationMs: expect.any(Number) as number }],
    ]);
  });
  test("no negative time, where the time of day is set back meanwhile", async () => {
    let day = Date.now();
    const { read, counted } = await start({}, () => new Date((day -= 60_000)));
    await read();
    const [, { durationMs }] = counted[0] as [string, { durationMs: number }];
    expect(durationMs).toBeGreaterThanOrEqual(0);
  });
  test("a failure, with its reason", async () => {
    const { read, counted } = await start({ vault: () => refuse(404) });
    await expect(read()).rejects.toMatchObject({ reason: "ProviderError" });
    expect(counted).toMatchObject([["vaultRequest", { error: { reason: "ProviderError" } }]]);
  });
});

describe("how a vault keeps up", () => {
  test("is nothing to tell before it is asked, and no queue afterwards", async () => {
    const { read, loads } = await start();
    expect(loads()).toEqual([]);
    await read();
    expect(loads()).toMatchObject([{ vault: "kv1", waiting: 0, pausedMs: 0 }]);
  });
  test("while it limits requests, those that wait are counted, and the time that this node pauses", async () => {
    const { read, loads } = await start({ vault: () => refuse(429, { "retry-after": "30" }) });
    const leaver = new AbortController();
    const asked = Array.from({ length: 5 }, (_, index) => read(`s${index}`, leaver.signal));
    const outcomes = Promise.allSettled(asked);
    await expect.poll(() => loads()[0]?.waiting === 5).toBe(true);
    await expect.poll(() => (loads()[0]?.pausedMs ?? 0) > 0).toBe(true);
    expect(loads()[0]?.pausedMs).toBeLessThan(30_000);
    leaver.abort();
    await outcomes;
    await expect.poll(() => loads()[0]?.waiting === 0).toBe(true);
  });
});
