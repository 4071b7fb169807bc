import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createCanary, findLeaks } from "../fakes/canary.ts";
import { freePort } from "../fakes/free-port.ts";
import { startProxy, type RunningProxy } from "../fakes/proxy.ts";
import { startWorld, type PluginProcess, type World } from "../fakes/world.ts";

const [password, value] = [createCanary(), createCanary()];

let world: World;
let proxy: RunningProxy;
let plugin: PluginProcess | undefined;
beforeEach(async () => {
  world = await startWorld();
  world.emulator.vaults.named("demo-vault").setSecret("DemoSecret", value);
  proxy = await startProxy({ credentials: `user:${password}` });
});
afterEach(async () => {
  await plugin?.stop();
  plugin = undefined;
  await proxy.stop();
  await world.close();
});

function startThrough(port: number, env: NodeJS.ProcessEnv): Promise<PluginProcess> {
  const around = { HTTPS_PROXY: `http://user:${password}@127.0.0.1:${port}`, NO_PROXY: "", no_proxy: "" };
  return world.startPlugin({ env: { ...around, ...env } });
}

/** What the log of the SDK may not tell, whatever it is asked for: it prints requests with all that hangs on them. */
function expectNothingTold({ stdout, stderr }: PluginProcess): void {
  const places = { stdout: stdout(), stderr: stderr() };
  expect(places.stderr).toContain("azure:core-rest-pipeline:info Request:");
  expect(findLeaks([password, value, world.emulator.settings.demo.clientSecret], places)).toEqual([]);
  expect(places.stderr).not.toMatch(/eyJ[\w-]{20}/);
}

describe.each([{ AZURE_LOG_LEVEL: "verbose" }, { DEBUG: "*" }])("the SDK's own log, by %j", (env) => {
  test("tells requests, and no token, secret or password", async () => {
    plugin = await startThrough(proxy.port, env);
    for (const pod of ["a", "b"]) {
      await world.createPod({ pod });
      await world.kubelet.publish(pod);
      expect(await readFile(join(await world.targetOf(pod), "DemoSecret"), "utf8")).toBe(value);
    }
    expectNothingTold(plugin);
  });

  test("nor does it of the services of a node: metadata service and token proxy", async () => {
    const { imds, tokenProxy, settings } = world.emulator;
    const identity = { tenantId: settings.tenantId, ...settings.demo };
    const { clientId } = identity;
    imds.assign(identity);
    tokenProxy.bindIdentity({ ...identity, subject: "system:serviceaccount:default:web" });
    plugin = await world.startPlugin({ env });
    const shapes = {
      vm: { useVMManagedIdentity: "true", userAssignedIdentityID: clientId },
      bound: { useAzureTokenProxy: "true", clientID: clientId },
    };
    for (const [pod, parameters] of Object.entries(shapes)) {
      await world.createPod({ pod, parameters, credentials: "none", serviceAccountName: "web" });
      await world.kubelet.publish(pod);
      expect(await readFile(join(await world.targetOf(pod), "DemoSecret"), "utf8")).toBe(value);
    }
    expectNothingTold(plugin);
  });

  test("nor does it where the proxy cannot be reached", async () => {
    plugin = await startThrough(await freePort(), env);
    await world.createPod({ pod: "web" });
    await expect(world.kubelet.publish("web")).rejects.toThrow("cannot be reached (ECONNREFUSED)");
    expectNothingTold(plugin);
  });
});
