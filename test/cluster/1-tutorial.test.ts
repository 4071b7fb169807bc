import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cluster, vault } from "./cluster.ts";
import { get, ready, remove, type KubernetesObject } from "./kubectl.ts";
import { shell } from "./shell.ts";

/** The tutorial's commands and files as printed, with its placeholders filled in. */
const fill: Readonly<Record<string, string>> = {
  "<client-id>": cluster.demo.clientId,
  "<client-secret>": cluster.demo.clientSecret,
  "<key-vault-name>": "demo-vault",
  "<tenant-Id>": cluster.tenantId,
};

function filled(text: string): string {
  return text.replaceAll(/<[\w-]+>/g, (placeholder) => fill[placeholder] ?? placeholder);
}

function type(line: string): Promise<string> {
  return shell(filled(line), cluster.dir);
}

beforeAll(async () => {
  await vault.set("DemoSecret", "MyExampleSecret");
  for (const file of ["secretproviderclass.yaml", "pod.yaml"])
    await writeFile(join(cluster.dir, file), filled(await readFile(`test/fixtures/tutorial/${file}`, "utf8")));
});
afterAll(() => remove("busybox-secrets-store-inline"));

test("the tutorial's Secret, SecretProviderClass and pod are taken as printed, and the pod starts", async () => {
  await type(
    'kubectl create secret generic secrets-store-creds --from-literal clientid="<client-id>" --from-literal clientsecret="<client-secret>"',
  );
  await type("kubectl label secret secrets-store-creds secrets-store.csi.k8s.io/used=true");
  await type("kubectl apply -f secretproviderclass.yaml");
  await type("kubectl apply -f pod.yaml");
  await ready("busybox-secrets-store-inline");
});

test("show secrets held in secrets-store: kubectl exec … ls", async () => {
  const line = "kubectl exec busybox-secrets-store-inline -- ls /mnt/secrets-store/";
  const output = await type(line);
  console.log(`$ ${line}\n${output}`);
  expect(output).toBe("DemoSecret\n");
});

test("print a test secret 'DemoSecret': kubectl exec … cat", async () => {
  const line = "kubectl exec busybox-secrets-store-inline -- cat /mnt/secrets-store/DemoSecret";
  const output = await type(line);
  console.log(`$ ${line}\n${output}`);
  expect(output).toBe("MyExampleSecret");
});

test("the volume's status belongs to the pod", async () => {
  const status = await get<KubernetesObject & { status: object }>(
    "secretproviderclasspodstatuses",
    `busybox-secrets-store-inline-azure-keyvault-csi-test-akvprovider-demo`,
  );
  const pod = await get("pod", "busybox-secrets-store-inline");
  expect(status?.metadata.ownerReferences?.map(({ uid }) => uid)).toEqual([pod?.metadata.uid]);
  expect(status?.status).toMatchObject({
    mounted: true,
    podName: "busybox-secrets-store-inline",
    secretProviderClassName: "akvprovider-demo",
    objects: [{ id: "secret/DemoSecret", version: expect.stringMatching(/^[0-9a-f]{32}$/) as string }],
  });
});
