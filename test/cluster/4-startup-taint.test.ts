import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cluster } from "./cluster.ts";
import { apply, kubectl, ready, remove, taintsOf } from "./kubectl.ts";
import { pluginPod } from "./plugin.ts";
import { install } from "./release.ts";
import { until } from "./shell.ts";

const taint = "secrets-store.csi.k8s.io/agent-not-ready";
const kept = "example.com/kept";
const values = join(cluster.dir, "values.yaml");
let node: string;

beforeAll(async () => {
  node = (await pluginPod()).spec.nodeName;
});
afterAll(async () => {
  await kubectl("taint", "node", node, `${taint}-`, `${kept}-`).catch(() => undefined);
  await remove("early");
  await install(values);
});

test("a pod waits for a node that is not ready for secrets; the plugin takes the taint away, and that alone", async () => {
  await kubectl("taint", "node", node, `${taint}=true:NoSchedule`, `${kept}=true:PreferNoSchedule`);
  const container = {
    name: "busybox",
    image: "registry.k8s.io/e2e-test-images/busybox:1.29-4",
    command: ["sleep", "10000"],
  };
  const spec = { terminationGracePeriodSeconds: 1, containers: [container] };
  await apply({ apiVersion: "v1", kind: "Pod", metadata: { name: "early" }, spec });
  await kubectl("wait", "--for=condition=PodScheduled=false", "pod/early", "--timeout=60s");
  await install(values, [`startupTaint=${taint}`]);
  await until("the taint is gone", async () => !(await taintsOf(node)).includes(taint));
  expect(await taintsOf(node)).toContain(kept);
  await ready("early");
});
