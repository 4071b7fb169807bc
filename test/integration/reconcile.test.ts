import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { freePort } from "../fakes/free-port.ts";

/** Of a cluster at that address. */
function kubeconfig(server: string): string {
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
    clusters: [{ name: "c", cluster: { server } }],
    users: [{ name: "u", user: { token: "t" } }],
  });
}

test("without a namespace the reconciler does not start", () => {
  expect(() => execFileSync("dist/main.js", ["reconcile"], { stdio: "pipe" })).toThrow("--namespace is missing");
});

test("a signal ends the reconciler while it waits for an API server that says nothing", async () => {
  const folder = await mkdtemp(join(tmpdir(), "akv-reconcile-"));
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  const file = join(folder, "kubeconfig");
  await writeFile(file, kubeconfig(`https://127.0.0.1:${port}`));
  const [health, metrics] = [await freePort(), await freePort()];
  const addresses = [`--health-addr=127.0.0.1:${health}`, `--metrics-addr=127.0.0.1:${metrics}`];
  const child = spawn("dist/main.js", ["reconcile", "--namespace=n", `--kubeconfig=${file}`, ...addresses]);
  const told = text(child.stderr);
  try {
    await expect.poll(() => sockets.length, { timeout: 30_000 }).toBeGreaterThan(0);
    const ask = (at: number, path: string): Promise<Response> => fetch(`http://127.0.0.1:${at}${path}`);
    expect([(await ask(health, "/healthz")).status, (await ask(health, "/readyz")).status]).toEqual([200, 503]);
    expect(await (await ask(metrics, "/metrics")).text()).toContain("reconcile_objects 0");
    child.kill("SIGTERM");
    expect(await once(child, "close")).toEqual([0, null]);
    expect(await told).toContain("Stopping");
  } finally {
    child.kill("SIGKILL");
    for (const socket of sockets) socket.destroy();
    silent.close();
    await rm(folder, { recursive: true });
  }
});
