import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startPeer, type Answer, type Peer } from "../fakes/provider-peer.ts";
import { startWorld, type PluginProcess, type World } from "../fakes/world.ts";

const MiB = 1024 * 1024;

let world: World;
let plugin: PluginProcess;
let peer: Peer;

beforeAll(async () => {
  world = await startWorld();
  await mkdir(join(world.dir, "providers"));
  peer = await startPeer(join(world.dir, "providers/mis.sock"));
  plugin = await world.startPlugin({
    flags: [
      `--provider-volume=${join(world.dir, "providers")}`,
      `--max-call-recv-msg-size=${24 * MiB}`,
      "--enable-secret-rotation",
      "--rotation-poll-interval=2s",
    ],
  });
});
afterAll(async () => {
  await plugin.stop();
  await peer.stop();
  await world.close();
});

/** Contents of so many MiB, which differ from version to version in their number of files. */
function large(version: string, files: number): Answer {
  return { objectVersion: [{ id: "secret/a", version }], fill: { count: files, bytes: (20 * MiB) / files } };
}

test("a raised limit holds for the answer, the volume, and both of its versions while one follows the other", async () => {
  await world.createPod({ pod: "large", provider: "mis", parameters: { answer: JSON.stringify(large("1", 1)) } });
  const [target = ""] = await world.kubelet.publish("large");
  expect((await stat(join(target, "filler-0"))).size).toBe(20 * MiB);
  await world.createPod({ pod: "large", provider: "mis", parameters: { answer: JSON.stringify(large("2", 2)) } });
  const size = async () => (await stat(join(target, "filler-0"))).size;
  await expect.poll(size, { timeout: 30_000 }).toBe(10 * MiB);
});
