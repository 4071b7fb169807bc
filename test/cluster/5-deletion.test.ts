import { existsSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { resetCounters, vault } from "./cluster.ts";
import { apply, get, kubectl, list, remove } from "./kubectl.ts";
import { mountsOfPod, podDirectory, whyNotHere } from "./node.ts";
import { credentials, credentialsSecret, mountPath, pod, secretClass } from "./objects.ts";
import { pluginLog, publishDurations } from "./plugin.ts";
import { until } from "./shell.ts";

const notHere = await whyNotHere();

beforeAll(async () => {
  await vault.set("slow", "slow value");
  await apply(credentialsSecret(credentials), secretClass("slow", ["slow"]));
});
afterAll(async () => {
  await vault.delay(0);
  await remove("short-lived");
});

test("a pod is deleted while its volume is being fetched: it goes, and nothing stays behind", async () => {
  const publishes = async (): Promise<number> => publishDurations(await pluginLog()).length;
  const before = await publishes();
  await resetCounters();
  await vault.delay(8_000);
  await apply(pod({ name: "short-lived", classes: ["slow"], needs: `${mountPath}/slow` }));
  await until("the vault is asked", async () => (await vault.counters()).peakInFlight > 0);
  const uid = (await get("pod", "short-lived"))?.metadata.uid ?? "";
  await kubectl("delete", "pod", "short-lived", "--grace-period=1", "--timeout=180s");
  expect(await publishes()).toBe(before);
  await until("the publish of the deleted pod has ended", async () => (await publishes()) > before);
  if (notHere === undefined)
    await until("its directory is gone", () => Promise.resolve(!existsSync(podDirectory(uid))));
  await until("its status is gone", async () => {
    const statuses = await list("secretproviderclasspodstatuses");
    return !statuses.some(({ metadata }) => metadata.name.startsWith("short-lived-"));
  });
  expect(notHere === undefined ? await mountsOfPod(uid) : []).toEqual([]);
  expect(await get("pod", "short-lived")).toBeUndefined();
});
