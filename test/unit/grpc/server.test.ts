import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { identityService } from "../../../src/csi/identity.ts";
import { createClient } from "../../../src/grpc/client.ts";
import { csi } from "../../../src/grpc/descriptors.ts";
import { listen } from "../../../src/grpc/server.ts";
import { unary } from "../../../src/grpc/unary.ts";
import { createFakeLog } from "../../fakes/log.ts";

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "grpc-"));
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

/** A server whose Probe waits for the gate. */
async function serveProbe(gate: Promise<unknown>) {
  const asked = Promise.withResolvers<undefined>();
  const log = createFakeLog();
  const probe = async (): Promise<{ ready: { value: boolean } }> => {
    asked.resolve(undefined);
    await gate;
    return { ready: { value: true } };
  };
  const identity = identityService({ name: "n", version: "v" }, log);
  const service = { definition: csi.Identity.service, handlers: { ...identity, Probe: unary(probe, log) } };
  const running = await listen([service], join(dir, "csi.sock"));
  return { running, asked: asked.promise, client: createClient(join(dir, "csi.sock")) };
}

test("a stop waits for the call under way", async () => {
  const gate = Promise.withResolvers<undefined>();
  const { running, asked, client } = await serveProbe(gate.promise);
  const call = client.identity.probe();
  await asked;
  const stopped = running.stop(60_000);
  gate.resolve(undefined);
  expect((await call).ready).toEqual({ value: true });
  await stopped;
  client.close();
});

test("a stop ends the call under way when the limit is over", async () => {
  const { running, asked, client } = await serveProbe(new Promise(() => undefined));
  const call = expect(client.identity.probe()).rejects.toHaveProperty("code");
  await asked;
  await running.stop(10);
  await call;
  client.close();
});

test("a directory that is absent cannot be listened in, and new files get the rights that they got before", async () => {
  const before = await modeOfNewFile("before");
  const socketPath = join(dir, "absent", "csi.sock");
  // So libuv says that it is absent.
  await expect(listen([], socketPath)).rejects.toThrow(
    `cannot listen on ${socketPath}: EACCES: its directory must be there, and writable`,
  );
  expect(await modeOfNewFile("after")).toBe(before);
});

async function modeOfNewFile(name: string): Promise<number> {
  await writeFile(join(dir, name), "");
  return (await stat(join(dir, name))).mode;
}
