import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createInClusterAccess } from "../../../src/kube/in-cluster.ts";

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "service-account-"));
  await writeFile(join(dir, "token"), "first\n");
  await writeFile(join(dir, "ca.crt"), "ca 1");
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

test.each([
  ["10.0.0.1", "https://10.0.0.1:6443/"],
  ["fd00::1", "https://[fd00::1]:6443/"],
])("the API server of host %s is %s", (host, url) => {
  expect(createInClusterAccess({ host, port: "6443" }).server.href).toBe(url);
});

test("a rotated token is used at once, over the same connections", async () => {
  const access = createInClusterAccess({ host: "h", port: "443", serviceAccountDir: dir });
  const before = await access.authorize();
  expect(before.headers).toEqual({ authorization: "Bearer first" });
  await writeFile(join(dir, "token"), "second");
  const after = await access.authorize();
  expect(after.headers).toEqual({ authorization: "Bearer second" });
  expect(after.agent).toBe(before.agent);
});

test("a pod without a service account cannot ask", async () => {
  await rm(join(dir, "token"));
  const access = createInClusterAccess({ host: "h", port: "443", serviceAccountDir: dir });
  await expect(access.authorize()).rejects.toMatchObject({ code: "ENOENT" });
});
