import { afterAll, beforeAll, expect, test } from "vitest";
import { vault } from "./cluster.ts";
import { apply, exec, kubectl, ready, remove } from "./kubectl.ts";
import { describeCalls, kubeletCalls } from "./kubelet-calls.ts";
import { processMemory, whyNotHere } from "./node.ts";
import { credentials, credentialsSecret, mountPath, pod, secretClass } from "./objects.ts";
import { containerMemory, pluginLog, publishDurations } from "./plugin.ts";
import { releaseNamespace } from "./release.ts";
import { until } from "./shell.ts";

const notHere = await whyNotHere();
const singles = ["single-1", "single-2", "single-3", "single-4", "single-5"];
const many = Array.from({ length: 40 }, (_, index) => `many-${index + 1}`);
const tenSecrets = Array.from({ length: 10 }, (_, index) => `ten-${index + 1}`);

beforeAll(async () => {
  // Of the process that served the suite so far, unless a test has just started a new one.
  await printMemory("of the container at the suite's end");
  for (const name of tenSecrets) await vault.set(name, "x".repeat(64));
  await apply(credentialsSecret(credentials), secretClass("ten", tenSecrets));
  await kubectl("rollout", "restart", "-n", releaseNamespace, "daemonset/secrets-store-csi-driver");
  await kubectl("rollout", "status", "-n", releaseNamespace, "daemonset/secrets-store-csi-driver", "--timeout=120s");
});
afterAll(() => remove(...singles, ...many));

function shape(name: string): object {
  return pod({ name, classes: ["ten"], needs: `${mountPath}/ten-10` });
}

/** Figures for the reader, of a process that has been left alone for half a minute; nothing is judged by them. */
async function printMemory(when: string): Promise<void> {
  const settled = Date.now() + 30_000;
  const seen = await until("kubelet has measured since", async () => {
    const memory = Date.now() > settled ? await containerMemory() : undefined;
    return memory !== undefined && Date.parse(memory.time) > settled && memory;
  });
  const mebibytes = (bytes: number): string => (bytes / 1_048_576).toFixed(1);
  const own = notHere === undefined ? await processMemory() : undefined;
  console.log(
    [
      `memory ${when}, as the node sees the container: working set ${mebibytes(seen.workingSetBytes)} MiB, RSS ${mebibytes(seen.rssBytes)} MiB`,
      ...(own ? [`its process: ${own.anonymous.toFixed(1)} MiB anonymous, ${own.pss.toFixed(1)} MiB PSS`] : []),
    ].join("\n"),
  );
}

test("memory of the idle container, as the node sees it", () => printMemory("idle"));

test("share of our call in the time from a pod's creation to Running", async () => {
  const rows: string[] = [];
  const before = await kubeletCalls();
  for (const name of singles) {
    const seen = publishDurations(await pluginLog()).length;
    const startedAt = performance.now();
    await apply(shape(name));
    await kubectl("wait", "--for=jsonpath={.status.phase}=Running", `pod/${name}`, "--timeout=120s");
    const total = performance.now() - startedAt;
    const [publish] = publishDurations(await pluginLog()).slice(seen);
    if (publish === undefined) throw new Error(`the log tells no publish of ${name}`);
    rows.push(
      `${name}: ${Math.round(total)} ms, NodePublishVolume ${publish} ms, ${((publish / total) * 100).toFixed(1)} %`,
    );
  }
  console.log(`from creation to Running, one pod at a time, 10 secrets each:\n${rows.join("\n")}`);
  expect(rows).toHaveLength(singles.length);
  await remove(...singles);
  console.log(`what the calls took kubelet:\n${describeCalls(before, await kubeletCalls())}`);
});

test("40 pods with 10 secrets each start, each on a whole volume; memory of the container then", async () => {
  const seen = publishDurations(await pluginLog()).length;
  const startedAt = performance.now();
  await apply({ apiVersion: "v1", kind: "List", items: many.map(shape) });
  await ready(...many);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const durations = publishDurations(await pluginLog()).slice(seen);
  const sorted = durations.toSorted((a, b) => a - b);
  console.log(
    `40 pods Running and Ready after ${seconds} s; NodePublishVolume p50 ${sorted[Math.floor(sorted.length / 2)] ?? 0} ms, longest ${sorted.at(-1) ?? 0} ms`,
  );
  expect(durations).toHaveLength(many.length);
  for (const name of ["many-1", "many-40"]) expect(await exec(name, "cat", `${mountPath}/ten-10`)).toBe("x".repeat(64));
  await printMemory("with 40 pods of 10 secrets");
});
