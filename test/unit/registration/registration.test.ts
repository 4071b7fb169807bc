import { existsSync } from "node:fs";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import { register, type Registration } from "../../../src/registration/registration.ts";
import { startDriver, type RunningDriver } from "../../fakes/driver.ts";
import { createFakeLog } from "../../fakes/log.ts";
import { createPluginWatcher } from "../../fakes/plugin-watcher.ts";
import { createFakeSchedule } from "../../fakes/schedule.ts";

const kubelet = createPluginWatcher();
let dir: string;
let socketPath: string;
let driver: RunningDriver;
let registration: Registration;
const schedule = createFakeSchedule();

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "registry-"));
  socketPath = join(dir, "secrets-store.csi.k8s.io-reg.sock");
  driver = await startDriver();
  await writeFile(socketPath, "stale");
  const options = { driverName: "secrets-store.csi.k8s.io", csiSocketPath: driver.socketPath, dir };
  registration = await register(options, schedule, createFakeLog());
});
afterEach(async () => {
  await registration.stop();
  await driver.stop();
  await rm(dir, { recursive: true, force: true });
});

test("kubelet finds a CSI plugin, its name and its socket, and takes it", async () => {
  expect(registration.isRegistered()).toBe(false);
  expect(await kubelet.take(socketPath)).toEqual({
    type: "CSIPlugin",
    name: "secrets-store.csi.k8s.io",
    endpoint: driver.socketPath,
    supportedVersions: ["1.0.0"],
    nodeId: "node-1",
  });
  expect(registration.isRegistered()).toBe(true);
});

test("a kubelet that starts again finds it again", async () => {
  await kubelet.take(socketPath);
  await kubelet.take(socketPath);
  expect(registration.isRegistered()).toBe(true);
});

test("what kubelet says when it refuses is told", async () => {
  await kubelet.refuse(socketPath, "another plugin has that name");
  expect(await registration.ended).toBe("kubelet refused to register the plugin: another plugin has that name");
  expect(registration.isRegistered()).toBe(false);
});

test("a socket that was taken away is made anew, and waits for kubelet", async () => {
  await kubelet.take(socketPath);
  await rm(socketPath);
  await schedule.run();
  expect(registration.isRegistered()).toBe(false);
  await kubelet.take(socketPath);
  expect(registration.isRegistered()).toBe(true);
});

test("a directory that was replaced cannot be found by kubelet, and that is told", async () => {
  await kubelet.take(socketPath);
  await rm(dir, { recursive: true });
  await schedule.run();
  expect(await registration.ended).toBe(`${dir} is not the directory that kubelet watches any more`);
});

test("a socket that is there is left alone", async () => {
  const before = await stat(socketPath);
  await schedule.run();
  expect((await stat(socketPath)).ino).toBe(before.ino);
});

test("the socket is its owner's alone, and goes at the end", async () => {
  expect((await stat(socketPath)).mode & 0o777).toBe(0o700);
  await registration.stop();
  expect(existsSync(socketPath)).toBe(false);
});

test("without kubelet's directory it says which flag to set", async () => {
  const options = { driverName: "d", csiSocketPath: driver.socketPath, dir: join(dir, "absent") };
  await expect(register(options, schedule, createFakeLog())).rejects.toEqual(
    new DriverError(
      "InvalidRequest",
      `there is no directory ${dir}/absent: set --registration-dir to plugins_registry below kubelet's root`,
    ),
  );
});
