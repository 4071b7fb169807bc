import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { cluster, vault } from "./cluster.ts";
import { apply, kubectl, ready, remove, type Pod } from "./kubectl.ts";
import { credentials, credentialsSecret, mountPath, pod, secretClass } from "./objects.ts";
import { pluginPod } from "./plugin.ts";
import { install, releaseNamespace } from "./release.ts";

const values = join(cluster.dir, "values.yaml");

afterAll(async () => {
  await remove("slow");
  await install(values);
});

interface StartedPod extends Pod {
  readonly status: Pod["status"] & {
    readonly conditions: readonly { readonly type: string; readonly lastTransitionTime: string }[];
    readonly containerStatuses: readonly {
      readonly restartCount: number;
      readonly state: { readonly running?: { readonly startedAt: string } };
    }[];
  };
}

test("with a tenth of a core the plugin starts within its probes' budget, and serves a pod", async () => {
  await vault.set("slow", "value of slow");
  await apply(credentialsSecret(credentials), secretClass("slow", ["slow"]));
  await install(values, ["secrets-store-csi-driver.linux.driver.resources.limits.cpu=100m"]);
  const { name } = (await pluginPod()).metadata;
  expect(
    await kubectl(
      "get",
      "pod",
      "-n",
      releaseNamespace,
      name,
      "-o",
      "jsonpath={.spec.containers[0].resources.limits.cpu}",
    ),
  ).toBe("100m");
  await apply(pod({ name: "slow", classes: ["slow"], needs: `${mountPath}/slow` }));
  await ready("slow");
  const text = await kubectl("get", "pod", "-n", releaseNamespace, name, "-o", "json");
  const { status } = JSON.parse(text) as StartedPod;
  const [container] = status.containerStatuses;
  const readyAt = status.conditions.find(({ type }) => type === "Ready")?.lastTransitionTime ?? "";
  const seconds = (Date.parse(readyAt) - Date.parse(container?.state.running?.startedAt ?? "")) / 1000;
  console.log(`with a CPU limit of 100m, from the container's start to Ready: ${seconds} s`);
  expect(container?.restartCount).toBe(0);
});
