import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { onPage } from "../fakes/troubleshooting-page.ts";
import { cluster, vault } from "./cluster.ts";
import { apply, describedOnce, exec, get, kubectl, ready, remove, type Pod } from "./kubectl.ts";
import { mountsOfPod, whyNotHere } from "./node.ts";
import { credentials, credentialsSecret, mountPath, pod, secretClass } from "./objects.ts";
import { install, uninstall } from "./release.ts";
import { until } from "./shell.ts";

const notHere = await whyNotHere();

beforeAll(async () => {
  await vault.set("lasting", "lasting value");
  await apply(credentialsSecret(credentials), secretClass("lasting", ["lasting"]));
  await apply(...["stays", "hangs"].map((name) => pod({ name, classes: ["lasting"], needs: `${mountPath}/lasting` })));
  await ready("stays", "hangs");
});
afterAll(async () => {
  await remove("stays", "hangs", "goes", "waits");
  await install(join(cluster.dir, "values.yaml"));
});

const plain = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "goes" },
  spec: {
    containers: [
      { name: "busybox", image: "registry.k8s.io/e2e-test-images/busybox:1.29-4", command: ["sleep", "1000"] },
    ],
  },
};

test("an uninstall leaves the CRDs, the classes and the files of running pods", async () => {
  await uninstall();
  expect(await kubectl("get", "daemonsets,csidrivers", "-A", "-l", "app=secrets-store-csi-driver", "-o", "name")).toBe(
    "",
  );
  for (const kind of ["secretproviderclasses", "secretproviderclasspodstatuses"])
    expect(await kubectl("get", "crd", `${kind}.secrets-store.csi.x-k8s.io`, "-o", "name")).toContain(kind);
  expect(await kubectl("get", "secretproviderclass", "lasting", "-o", "name")).toContain("lasting");
  expect(await exec("stays", "cat", `${mountPath}/lasting`)).toBe("lasting value");
});

test("a pod that is created meanwhile waits, and the user reads that there is no driver", async () => {
  await apply(pod({ name: "waits", classes: ["lasting"], needs: `${mountPath}/lasting` }));
  const text = "driver name secrets-store.csi.k8s.io not found in the list of registered CSI drivers";
  console.log(`$ kubectl describe pod waits\n${await describedOnce("waits", onPage(text))}`);
});

test("a pod that is deleted meanwhile hangs in Terminating, and a new installation frees it", async () => {
  await kubectl("delete", "pod", "hangs", "--wait=false", "--grace-period=1");
  const hanging = await until("its container has ended", async () => {
    const found = await get<Pod>("pod", "hangs");
    return found?.status.containerStatuses?.[0]?.state.terminated !== undefined && found;
  });
  expect(hanging.metadata.deletionTimestamp).toBeDefined();
  // A pod without such a volume that is deleted later goes; this one stays.
  await apply(plain);
  await ready("goes");
  await remove("goes");
  expect((await get<Pod>("pod", "hangs"))?.metadata.uid).toBe(hanging.metadata.uid);
  if (notHere === undefined) expect(await mountsOfPod(hanging.metadata.uid)).toHaveLength(1);
  await install(join(cluster.dir, "values.yaml"), [
    "secrets-store-csi-driver.enableSecretRotation=true",
    "secrets-store-csi-driver.rotationPollInterval=5s",
  ]);
  await kubectl("wait", "--for=delete", "pod/hangs", "--timeout=180s");
  expect(await exec("stays", "cat", `${mountPath}/lasting`)).toBe("lasting value");
});

test("the pod that waited starts, and rotation reaches the one from before the new installation", async () => {
  await ready("waits");
  await vault.set("lasting", "later value");
  // Kubelet hands credentials over again when it looks at a pod: now and then, and when the pod changes.
  await kubectl("annotate", "pod", "stays", `looked-at=${Date.now()}`);
  for (const name of ["stays", "waits"])
    await until(`${name} reads it`, async () => (await exec(name, "cat", `${mountPath}/lasting`)) === "later value");
});

test("pods from before the new installation end as any", async () => {
  await remove("stays");
  expect(await get("pod", "stays")).toBeUndefined();
});
