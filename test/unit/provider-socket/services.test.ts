import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import { health } from "../../../src/grpc/health-descriptor.ts";
import { provider } from "../../../src/grpc/provider-descriptor.ts";
import { listen, type RunningServer } from "../../../src/grpc/server.ts";
import { socketHealthRoute } from "../../../src/health/socket-health.ts";
import type { Content, ContentRequest } from "../../../src/model.ts";
import type { Call, ServedCall } from "../../../src/ports.ts";
import { healthService } from "../../../src/provider-socket/health.ts";
import { providerService } from "../../../src/provider-socket/provider.ts";
import { aMountMessage, createEstablishedDriver, type EstablishedDriver } from "../../fakes/established-driver.ts";
import { createFakeLog, type FakeLog } from "../../fakes/log.ts";
import { contentOf } from "../../fakes/ports.ts";

const maxMessageBytes = 4 * 1024 * 1024;
let dir: string;
let socketPath: string;
let server: RunningServer;
let driver: EstablishedDriver;
let served: ServedCall[];
let log: FakeLog;
let calls: { readonly request: ContentRequest; readonly call: Call }[];
let answer: () => Promise<Content>;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "azure-"));
  socketPath = join(dir, "azure.sock");
  served = [];
  calls = [];
  answer = () => Promise.resolve(contentOf({ password: "hunter2" }));
  log = createFakeLog();
  const observers = { log, metrics: { served: (call: ServedCall) => void served.push(call) } };
  const fetch = (request: ContentRequest, call: Call): Promise<Content> => {
    calls.push({ request, call });
    return answer();
  };
  server = await listen(
    [
      {
        definition: provider.CSIDriverProvider.service,
        handlers: providerService(fetch, { version: "v1.2.3", maxMessageBytes }, observers),
      },
      { definition: health.Health.service, handlers: healthService(observers) },
    ],
    socketPath,
  );
  driver = createEstablishedDriver(socketPath);
});
afterEach(async () => {
  driver.close();
  await server.stop(1_000);
  await rm(dir, { recursive: true });
});

describe("Mount", () => {
  test("answers with files, their modes, and an object's version for each", async () => {
    expect(await driver.mount(aMountMessage())).toEqual({
      objectVersion: [{ id: "secret/password", version: "1" }],
      error: null,
      files: [{ path: "password", mode: 0o644, contents: Buffer.from("hunter2") }],
    });
  });

  test("keeps order and doublets: the driver decides what the later ones mean", async () => {
    const twice = { ...contentOf({ b: "1", a: "2" }) };
    answer = () => Promise.resolve({ files: [...twice.files, ...twice.files], versions: twice.versions });
    const { files, objectVersion } = await driver.mount(aMountMessage());
    expect(files.map(({ path }) => path)).toEqual(["b", "a", "b", "a"]);
    expect(objectVersion.map(({ id }) => id)).toEqual(["secret/b", "secret/a"]);
  });

  test("is well without any file: what that means the driver decides", async () => {
    answer = () => Promise.resolve({ files: [], versions: [] });
    expect(await driver.mount(aMountMessage())).toEqual({ objectVersion: [], error: null, files: [] });
  });

  test("hands the driver's deadline on, and ends when it leaves", async () => {
    answer = () => new Promise(() => undefined);
    const before = Date.now();
    await expect(driver.mount(aMountMessage(), 300)).rejects.toMatchObject({ code: 4 });
    const [first] = calls;
    expect(first?.call.deadline?.getTime()).toBeGreaterThanOrEqual(before + 250);
    expect(first?.call.deadline?.getTime()).toBeLessThan(before + 120_000);
    await expect.poll(() => first?.call.signal.aborted).toBe(true);
  });

  test.each([
    ["Throttled", 8],
    ["PermissionDenied", 7],
    ["ProviderUnavailable", 14],
  ] as const)("fails with the code of its reason: %s", async (reason, code) => {
    answer = () => Promise.reject(new DriverError(reason, "why"));
    await expect(driver.mount(aMountMessage())).rejects.toMatchObject({ code, details: "why" });
    expect(served).toMatchObject([{ method: "/v1alpha1.CSIDriverProvider/Mount", code, error: { reason } }]);
    expect(log.lines.find((line) => line.startsWith("ERROR why"))).toContain('"pod":"shop/web-0"');
  });

  test.each([0, 1])("answers with what the driver takes, and refuses a message that is larger by %i", async (more) => {
    const of = (bytes: number): Content => ({
      files: [{ path: "large", mode: 0o644, contents: Buffer.alloc(bytes) }],
      versions: [],
    });
    const around = provider.CSIDriverProvider.service.Mount.responseSerialize({
      files: [{ path: "large", mode: 0o644, contents: Buffer.alloc(maxMessageBytes - 100) }],
    }).length;
    const fits = maxMessageBytes - 100 + (maxMessageBytes - around);
    answer = () => Promise.resolve(of(fits + more));
    const mounted = driver.mount(aMountMessage());
    if (more === 0) expect((await mounted).files[0]?.contents).toHaveLength(fits);
    else
      await expect(mounted).rejects.toMatchObject({
        code: 3,
        details: expect.stringMatching(
          /^the volume would take a message of 4194305 bytes, more than the limit of 4194304 \(--max-call-recv-msg-size\): name fewer objects/,
        ) as string,
      });
  });

  test("refuses a message that is no Mount, and one beyond 4 MiB, and serves on", async () => {
    await expect(driver.mount({ attributes: "hunter2" })).rejects.toMatchObject({
      code: 3,
      details: "failed to unmarshal attributes, error: it is no JSON",
    });
    await expect(driver.mount(aMountMessage({ secrets: "x".repeat(5_000_000) }))).rejects.toMatchObject({ code: 8 });
    expect(calls).toEqual([]);
    expect((await driver.mount(aMountMessage())).files).toHaveLength(1);
  });
});

test.each(["v1alpha1", ""])("Version tells who serves, whatever the driver's is: %j", async (version) => {
  expect(await driver.version(version)).toEqual({
    version: "v1alpha1",
    runtimeName: "secrets-store-csi-driver-provider-azure",
    runtimeVersion: "v1.2.3",
  });
});

describe("health", () => {
  test.each(["", "v1alpha1.CSIDriverProvider", "nobody"])("is that this process serves, asked for %j", async (name) => {
    expect(await driver.check(name)).toEqual({ status: "SERVING" });
    expect(served).toMatchObject([{ method: "/grpc.health.v1.Health/Check", code: 0, error: undefined }]);
  });

  test("is neither listed nor watched", async () => {
    expect(await driver.refusals()).toMatchObject([
      { code: 12, details: "List is not supported" },
      { code: 12, details: "Watch is not supported" },
    ]);
  });

  test("is told by HTTP as the socket tells it, and by an error where nobody answers there", async () => {
    const route = socketHealthRoute({ path: "/h", socketPath, limitMs: 2_000 })["/h"];
    expect(await route?.()).toEqual({ status: 200, text: "ok" });
    await server.stop(1_000);
    expect(await route?.()).toEqual({ status: 503, text: `no answer on ${socketPath}: UNAVAILABLE` });
  });

  test("is told to be bad when the socket takes longer than it may", async () => {
    const path = join(dir, "hangs.sock");
    const hanging = createServer().listen(path);
    await once(hanging, "listening");
    const route = socketHealthRoute({ path: "/h", socketPath: path, limitMs: 200 })["/h"];
    expect(await route?.()).toEqual({ status: 503, text: `no answer on ${path}: DEADLINE_EXCEEDED` });
    hanging.close();
  });
});
