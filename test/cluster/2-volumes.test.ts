import { afterAll, beforeAll, expect, test } from "vitest";
import { vault } from "./cluster.ts";
import { apply, exec, get, ready, remove, type Pod } from "./kubectl.ts";
import { credentials, credentialsSecret, mountPath, pod, secretClass } from "./objects.ts";
import { until } from "./shell.ts";

const pods = ["grouped", "sub-path", "first", "second", "again"];

beforeAll(async () => {
  for (const name of ["one", "two", "three"]) await vault.set(name, `value of ${name}`);
  await apply(
    credentialsSecret(credentials),
    secretClass("numbers", ["one", "two"]),
    secretClass("more-numbers", ["three"]),
    secretClass("group-only", ["one"], { fields: { filePermission: "0640" } }),
  );
});
afterAll(() => remove(...pods));

test("a container that is not root reads files of mode 0640 by the pod's fsGroup", async () => {
  const securityContext = { runAsUser: 1000, runAsGroup: 1000, fsGroup: 2000 };
  await apply(pod({ name: "grouped", classes: ["group-only"], needs: `${mountPath}/one`, securityContext }));
  await ready("grouped");
  expect(await exec("grouped", "id", "-u")).toBe("1000\n");
  expect(await exec("grouped", "cat", `${mountPath}/one`)).toBe("value of one");
  expect(await exec("grouped", "stat", "-L", "-c", "%a %u %g", `${mountPath}/one`)).toBe("640 0 2000\n");
});

test("a single file is mounted by subPath", async () => {
  const volumeMounts = [{ name: "secrets-1", mountPath: "/etc/one", subPath: "one", readOnly: true }];
  await apply(pod({ name: "sub-path", classes: ["numbers"], needs: "/etc/one", volumeMounts }));
  await ready("sub-path");
  expect(await exec("sub-path", "cat", "/etc/one")).toBe("value of one");
});

test("two pods with two volumes each: every volume holds its own class", async () => {
  const classes = ["numbers", "more-numbers"];
  await apply(...["first", "second"].map((name) => pod({ name, classes, needs: `${mountPath}-2/three` })));
  await ready("first", "second");
  for (const name of ["first", "second"]) {
    expect(await exec(name, "ls", mountPath, `${mountPath}-2`)).toBe(
      `${mountPath}:\none\ntwo\n\n${mountPath}-2:\nthree\n`,
    );
    expect(await exec(name, "cat", `${mountPath}/two`, `${mountPath}-2/three`)).toBe("value of twovalue of three");
  }
});

test("the status of an earlier pod of the same name is there still: it becomes the new pod's", async () => {
  const name = "again-azure-keyvault-csi-test-more-numbers";
  const owner = await get<Pod>("pod", "first");
  const labels = { "internal.secrets-store.csi.k8s.io/node-name": owner?.spec.nodeName };
  await apply({
    apiVersion: "secrets-store.csi.x-k8s.io/v1",
    kind: "SecretProviderClassPodStatus",
    metadata: {
      name,
      labels,
      ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "first", uid: owner?.metadata.uid }],
    },
    status: { mounted: true, podName: "again" },
  });
  await apply(pod({ name: "again", classes: ["more-numbers"], needs: `${mountPath}/three` }));
  await ready("again");
  const uid = (await get("pod", "again"))?.metadata.uid;
  await until("the status belongs to the new pod", async () => {
    const status = await get("secretproviderclasspodstatuses", name);
    return status?.metadata.ownerReferences?.some((reference) => reference.uid === uid);
  });
});

test("a pod cannot write into its volume", async () => {
  await expect(exec("first", "sh", "-c", `echo x > ${mountPath}/one`)).rejects.toThrow("Read-only file system");
});
