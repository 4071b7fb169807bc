import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { freePort } from "../fakes/free-port.ts";
import { startProviderWorld, type ProviderWorld } from "../fakes/provider-world.ts";
import { secretObject, type PluginProcess } from "../fakes/world.ts";

let azure: ProviderWorld;
let plugin: PluginProcess;
let metricsUrl: string;

beforeEach(async () => {
  azure = await startProviderWorld();
  setSecret("first value");
  const port = await freePort();
  metricsUrl = `http://127.0.0.1:${port}/metrics`;
  const rotation = ["--enable-secret-rotation", "--rotation-poll-interval=2s"];
  plugin = await azure.world.startPlugin({
    flags: [`--azure-provider-volume=${azure.world.dir}`, `--metrics-addr=127.0.0.1:${port}`, ...rotation],
  });
});
afterEach(async () => {
  await plugin.stop();
  await azure.close();
});

async function metricsAt(url: string): Promise<string> {
  return (await fetch(url)).text();
}

async function read(pod: string): Promise<string> {
  return readFile(join(await azure.world.targetOf(pod), "DemoSecret"), "utf8");
}

function setSecret(value: string): void {
  azure.world.emulator.vaults.named("demo-vault").setSecret("DemoSecret", value);
}

describe("the provider in a process of its own", () => {
  test("gets what a pod asks for; the plugin itself asks no vault", async () => {
    await azure.world.createPod({ pod: "web" });
    await azure.world.kubelet.publish("web");
    expect(await read("web")).toBe("first value");
    expect(await azure.world.podStatus("web")).toMatchObject({
      mounted: true,
      objects: [{ id: "secret/DemoSecret", version: expect.stringMatching(/^[0-9a-f]{32}$/) as string }],
    });
    expect(await metricsAt(azure.metricsUrl)).toMatch(/^keyvault_request_count\{/m);
    expect(await metricsAt(metricsUrl)).not.toMatch(/^keyvault_request_count\{/m);
  });

  test("gets what rotation asks for", async () => {
    await azure.world.createPod({ pod: "web" });
    await azure.world.kubelet.publish("web");
    setSecret("second value");
    await expect.poll(() => read("web"), { timeout: 20_000 }).toBe("second value");
  });

  test("says why a vault refused, by its code and in its words", async () => {
    await azure.world.createPod({ pod: "web", objects: secretObject("no-such-secret") });
    await expect(azure.world.kubelet.publish("web")).rejects.toThrow(
      /failed to mount secrets store objects for pod default\/web, err: provider "azure" failed: \w+: .*no-such-secret.*SecretNotFound/,
    );
  });

  test("is waited for while it starts anew, and mounted volumes stay", async () => {
    await azure.world.createPod({ pod: "early" });
    await azure.world.kubelet.publish("early");
    await azure.process.stop("SIGKILL");
    expect(await read("early")).toBe("first value");
    await azure.world.createPod({ pod: "late" });
    const late = azure.world.kubelet.publish("late");
    const again = await azure.start();
    await late;
    expect(await read("late")).toBe("first value");
    await again.stop();
  });
});
