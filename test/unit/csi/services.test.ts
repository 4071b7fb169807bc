import { once } from "node:events";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials, status } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { DriverError, verdicts, type Reason } from "../../../src/errors.ts";
import { startDriver, type DriverOverrides, type RunningDriver } from "../../fakes/driver.ts";
import { aPublishMessage, aTarget } from "../../fakes/messages.ts";

const running: RunningDriver[] = [];

async function start(overrides?: DriverOverrides): Promise<RunningDriver> {
  const driver = await startDriver(overrides);
  running.push(driver);
  return driver;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((driver) => driver.stop()));
});

const refusal = (code: number, details: string): object => expect.objectContaining({ code, details }) as object;

describe("the identity service", () => {
  test("tells name and version", async () => {
    const { client } = await start({ flags: { drivername: "other.csi.example.com" } });
    const info = await client.identity.getPluginInfo();
    expect(info).toMatchObject({ name: "other.csi.example.com", vendorVersion: "v0.0.0-dev" });
  });

  test("promises no capability", async () => {
    const { client } = await start();
    expect((await client.identity.getPluginCapabilities()).capabilities).toEqual([]);
  });

  test("is ready as soon as it answers", async () => {
    const { client } = await start();
    expect((await client.identity.probe()).ready).toEqual({ value: true });
  });
});

describe("the controller service", () => {
  test("answers a question for its capabilities, promising nothing", async () => {
    const { client } = await start();
    expect((await client.controller.controllerGetCapabilities()).capabilities).toEqual([{}]);
  });
});

describe("the node service", () => {
  test("tells the name of the node", async () => {
    const { client } = await start({ flags: { nodeid: "node-7" } });
    expect(await client.node.nodeGetInfo()).toMatchObject({ nodeId: "node-7" });
  });

  test("takes the pod's group and promises nothing else", async () => {
    const { client } = await start();
    const { capabilities } = await client.node.nodeGetCapabilities();
    expect(capabilities.map(({ rpc }) => rpc?.type)).toEqual(["VOLUME_MOUNT_GROUP"]);
  });

  test.each(["Node/NodeStageVolume", "Node/NodeGetVolumeStats", "Controller/CreateVolume", "None/Such"])(
    "does not implement %s",
    async (method) => {
      const { socketPath } = await start();
      const raw = new Client(`unix:${socketPath}`, credentials.createInsecure());
      const code = await new Promise((resolve) => {
        const bytes = (value: Buffer): Buffer => value;
        raw.makeUnaryRequest(`/csi.v1.${method}`, bytes, bytes, Buffer.alloc(0), (error) => {
          resolve(error?.code);
        });
      });
      raw.close();
      expect(code).toBe(status.UNIMPLEMENTED);
    },
  );

  test("publishes and unpublishes a volume", async () => {
    const { client, fakes } = await start();
    await client.node.nodePublishVolume(aPublishMessage());
    expect(fakes.files.volumes.get(aTarget)?.payload.map(({ path }) => path)).toEqual(["password"]);
    expect(fakes.statuses.applied).toHaveLength(1);
    await client.node.nodeUnpublishVolume({ volumeId: "csi-4f1d", targetPath: aTarget });
    expect(fakes.mounter.states.size).toBe(0);
  });

  test("refuses a bad message before anything is touched", async () => {
    const { client, fakes } = await start();
    const call = client.node.nodePublishVolume(aPublishMessage({ volumeId: "" }));
    await expect(call).rejects.toEqual(refusal(status.INVALID_ARGUMENT, "volume_id is missing"));
    expect(fakes.mounter.calls).toEqual([]);
  });

  test("refuses a pod's overrides where the flag forbids them", async () => {
    const { client } = await start({ flags: { "pod-overrides": "none" } });
    const message = aPublishMessage();
    const volumeContext = { ...message.volumeContext, tenantId: "mine" };
    const call = client.node.nodePublishVolume({ ...message, volumeContext });
    await expect(call).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });
});

describe("calls are counted", () => {
  async function counted(driver: RunningDriver, name: string): Promise<readonly string[]> {
    return (await driver.metrics.text()).split("\n").filter((line) => line.startsWith(`${name}{`));
  }

  test("that succeed, with the provider of the volume", async () => {
    const driver = await start();
    await driver.client.node.nodePublishVolume(aPublishMessage());
    await driver.client.node.nodePublishVolume(aPublishMessage());
    await driver.client.node.nodeUnpublishVolume({ volumeId: "csi-4f1d", targetPath: aTarget });
    expect(await counted(driver, "node_publish_total")).toEqual([
      'node_publish_total{provider="azure",os_type="linux"} 2',
    ]);
    expect(await counted(driver, "node_unpublish_total")).toEqual(['node_unpublish_total{os_type="linux"} 1']);
  });

  test("that fail, refused messages included", async () => {
    const driver = await start();
    driver.fakes.providers.answer = () => Promise.reject(new DriverError("Throttled", "later"));
    await expect(driver.client.node.nodePublishVolume(aPublishMessage())).rejects.toThrow("later");
    await expect(driver.client.node.nodePublishVolume(aPublishMessage({ volumeId: "" }))).rejects.toThrow("missing");
    const bad = driver.client.node.nodeUnpublishVolume({ volumeId: "", targetPath: aTarget });
    await expect(bad).rejects.toThrow("missing");
    expect(await counted(driver, "node_publish_error_total")).toEqual([
      'node_publish_error_total{provider="azure",error_type="GRPCProviderError",reason="Throttled",os_type="linux"} 1',
      'node_publish_error_total{provider="",error_type="FailedToMount",reason="InvalidRequest",os_type="linux"} 1',
    ]);
    expect(await counted(driver, "node_unpublish_error_total")).toEqual([
      'node_unpublish_error_total{os_type="linux"} 1',
    ]);
  });
});

describe("the caller's deadline", () => {
  test("aborts the provider's work, and nothing is written", async () => {
    const { client, fakes } = await start();
    const aborted = Promise.withResolvers<boolean>();
    fakes.providers.answer = async (_request, signal) => {
      await once(signal, "abort");
      aborted.resolve(signal.aborted);
      throw new Error("aborted by the signal");
    };
    const call = client.node.nodePublishVolume(aPublishMessage(), { deadlineMs: 200 });
    await expect(call).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
    expect(await aborted.promise).toBe(true);
    expect(fakes.mounter.calls).toEqual([]);
  });

  test("is not needed: a caller who leaves aborts the work as well", async () => {
    const { client, fakes } = await start();
    const asked = Promise.withResolvers<undefined>();
    const aborted = Promise.withResolvers<undefined>();
    fakes.providers.answer = async (_request, signal) => {
      asked.resolve(undefined);
      await once(signal, "abort");
      aborted.resolve(undefined);
      throw new Error("aborted by the signal");
    };
    const leaver = new AbortController();
    const call = client.node.nodePublishVolume(aPublishMessage(), { signal: leaver.signal });
    const refused = expect(call).rejects.toMatchObject({ code: status.CANCELLED });
    await asked.promise;
    leaver.abort();
    await Promise.all([refused, aborted.promise]);
    expect(fakes.mounter.calls).toEqual([]);
  });
});

describe("a failure", () => {
  test.each(Object.keys(verdicts) as Reason[])("of reason %s is told by its code and message", async (reason) => {
    const { client, fakes } = await start();
    fakes.providers.answer = () => Promise.reject(new DriverError(reason, "what; remedy"));
    await expect(client.node.nodePublishVolume(aPublishMessage())).rejects.toEqual(
      refusal(verdicts[reason].code, "failed to mount secrets store objects for pod shop/web-0, err: what; remedy"),
    );
  });

  test("that nobody foresaw is an internal error, and nothing of its message leaves", async () => {
    const { client, fakes } = await start();
    fakes.providers.answer = () => Promise.reject(new SyntaxError('Unexpected token in "hunter2\n    at hunter2"'));
    const call = client.node.nodePublishVolume(aPublishMessage());
    await expect(call).rejects.toEqual(refusal(status.INTERNAL, "internal error"));
    const log = fakes.log.lines.join("\n");
    expect(log).toContain("ERROR internal error");
    expect(log).toContain("SyntaxError");
    expect(log).not.toContain("hunter2");
  });
});

describe("the socket", () => {
  test("is its owner's alone", async () => {
    const { socketPath } = await start();
    expect((await stat(socketPath)).mode & 0o777).toBe(0o700);
  });

  test("takes the place of a stale one, and is gone after the stop", async () => {
    const dir = await mkdtemp(join(tmpdir(), "stale-"));
    const socketPath = join(dir, "csi.sock");
    await writeFile(socketPath, "");
    const driver = await startDriver({ socketPath });
    expect((await driver.client.identity.probe()).ready).toEqual({ value: true });
    await driver.stop();
    await expect(stat(socketPath)).rejects.toMatchObject({ code: "ENOENT" });
    await rm(dir, { recursive: true });
  });
});
