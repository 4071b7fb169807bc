import { expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import { publishVolume } from "../../../src/volume/publish.ts";
import { unpublishVolume } from "../../../src/volume/unpublish.ts";
import { aTarget } from "../../fakes/messages.ts";
import { aRequest, createCoreWorld, noSignal } from "../../fakes/volumes.ts";

test("an unpublish forgets the volume, clears it, then unmounts it", async () => {
  const { ports, mounter } = createCoreWorld();
  await publishVolume(aRequest, ports, { signal: noSignal });
  mounter.calls.length = 0;
  await unpublishVolume(aTarget, ports, noSignal);
  expect(mounter.calls).toEqual(["clear", "unmount"]);
  expect(mounter.states.size).toBe(0);
  expect(ports.volumes.get(aTarget)).toBeUndefined();
});

test("an unpublish may be repeated", async () => {
  const { ports, mounter } = createCoreWorld();
  await unpublishVolume(aTarget, ports, noSignal);
  await unpublishVolume(aTarget, ports, noSignal);
  expect(mounter.states.size).toBe(0);
});

test("a broken mount is unmounted without a look at its content", async () => {
  const { ports, mounter } = createCoreWorld();
  mounter.states.set(aTarget, "broken");
  await unpublishVolume(aTarget, ports, noSignal);
  expect(mounter.calls).toEqual(["unmount"]);
});

test("an unpublish that cannot unmount fails, and the volume stays forgotten", async () => {
  const { ports, mounter } = createCoreWorld();
  await publishVolume(aRequest, ports, { signal: noSignal });
  mounter.unmount = () => Promise.reject(new DriverError("MountFailed", "busy"));
  await expect(unpublishVolume(aTarget, ports, noSignal)).rejects.toThrow("busy");
  expect(ports.volumes.get(aTarget)).toBeUndefined();
});

test("an unpublish waits for the write under way, and leaves nothing of it", async () => {
  const { ports, mounter, files } = createCoreWorld();
  const writing = Promise.withResolvers<undefined>();
  const { write } = files;
  files.write = async (...args) => {
    await writing.promise;
    return write(...args);
  };
  const publishing = publishVolume(aRequest, ports, { signal: noSignal });
  await expect.poll(() => mounter.calls).toEqual(["mount"]);
  const unpublishing = unpublishVolume(aTarget, ports, noSignal);
  writing.resolve(undefined);
  await Promise.all([publishing, unpublishing]);
  expect(mounter.calls).toEqual(["mount", "write", "clear", "unmount"]);
  expect(mounter.states.size).toBe(0);
  expect(ports.volumes.get(aTarget)).toBeUndefined();
});
