import { beforeAll, expect, test } from "vitest";
import { cluster, vault } from "./cluster.ts";
import { get, kubectl } from "./kubectl.ts";
import { openPage, type CommandPage } from "./page.ts";

const words = {
  "client-id": cluster.demo.clientId,
  "client-secret": cluster.demo.clientSecret,
  "key-vault-name": "demo-vault",
  "tenant-id": cluster.tenantId,
};
let page: CommandPage;

beforeAll(async () => {
  page = await openPage("docs/install.md");
  await vault.set("DemoSecret", "MyExampleSecret");
  // The tutorial's names, which another story has used.
  for (const object of ["secret/secrets-store-creds", "secretproviderclass/akvprovider-demo"])
    await kubectl("delete", object, "--ignore-not-found");
});

test("the walk-through of docs/install.md, typed as it stands there, prints the secret", async () => {
  for (const step of ["credentials", "what to fetch", "a pod that reads it"])
    await page.type(`Walk through: ${step}`, words);
  const seen = await page.type("Walk through: look");
  console.log(seen);
  expect(seen).toBe("DemoSecret\nMyExampleSecret");
});

test("cleaning up leaves nothing of it", async () => {
  await page.type("Walk through: clean up");
  expect(await get("pod", "busybox-secrets-store-inline")).toBeUndefined();
  expect(await get("secretproviderclass", "akvprovider-demo")).toBeUndefined();
});
