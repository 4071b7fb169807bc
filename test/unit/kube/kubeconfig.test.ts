import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createKubeconfigAccess } from "../../../src/kube/kubeconfig.ts";

let file: string;
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "kubeconfig-"));
  file = join(dir, "config");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

function config(currentContext: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": currentContext,
    clusters: [{ name: "c", cluster: { server: "https://api.example.com:6443" } }],
    users: [{ name: "u", user: { token: "secret-token" } }],
    contexts: [{ name: "one", context: { cluster: "c", user: "u" } }],
  });
}

test("the current context names the server and proves who asks", async () => {
  await writeFile(file, config("one"));
  const access = createKubeconfigAccess(file);
  expect(access.server.href).toBe("https://api.example.com:6443/");
  expect((await access.authorize()).headers).toMatchObject({ Authorization: "Bearer secret-token" });
});

test("a file that is absent cannot be used", () => {
  const message = `kubeconfig ${file} cannot be read: correct --kubeconfig or KUBECONFIG`;
  expect(() => createKubeconfigAccess(file)).toThrow(message);
});

test("a file without a current context cannot be used", async () => {
  await writeFile(file, config("two"));
  const message = `kubeconfig ${file} has no current context with a cluster: correct --kubeconfig or KUBECONFIG`;
  expect(() => createKubeconfigAccess(file)).toThrow(message);
});

test("another context may be named, and has to be there", async () => {
  await writeFile(file, config("two"));
  expect(createKubeconfigAccess(file, "one").server.hostname).toBe("api.example.com");
  expect(() => createKubeconfigAccess(file, "three")).toThrow("has no current context with a cluster");
});

test("without a file it is the one that kubectl would read", async () => {
  await writeFile(file, config("one"));
  vi.stubEnv("KUBECONFIG", file);
  expect(createKubeconfigAccess("").server.hostname).toBe("api.example.com");
});
