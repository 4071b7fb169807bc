import { beforeEach, describe, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import type { Content } from "../../../src/model.ts";
import { publishVolume, type Published } from "../../../src/volume/publish.ts";
import { unpublishVolume } from "../../../src/volume/unpublish.ts";
import { aTarget } from "../../fakes/messages.ts";
import { payloadOf } from "../../fakes/payload.ts";
import { contentOf } from "../../fakes/ports.ts";
import { aRequest, createCoreWorld, noSignal, type CoreWorld } from "../../fakes/volumes.ts";

const versionsAlone: Content = { files: [], versions: [{ id: "secret/a", version: "1" }] };
const refused = new DriverError("ProviderError", "no");

let world: CoreWorld;

beforeEach(() => {
  world = createCoreWorld();
  world.classes.held.set("shop/vault", { provider: "selfwriting", parameters: { a: "b" } });
});

const publish = (signal = noSignal): Promise<Published> => publishVolume(aRequest, world.ports, { signal });

/** Files that a provider writes by itself. */
function writeFiles(texts: Readonly<Record<string, string>>): void {
  world.files.volumes.set(aTarget, { payload: payloadOf(texts), group: undefined });
}

/** The provider is asked, and answers when the test says so; one entry for each call. */
function slowProvider(): PromiseWithResolvers<Content>[] {
  const calls: PromiseWithResolvers<Content>[] = [];
  world.providers.answer = () => {
    const call = Promise.withResolvers<Content>();
    calls.push(call);
    return call.promise;
  };
  return calls;
}

describe("a provider that may write by itself", () => {
  test("is asked when the target is mounted, and not under its lock", async () => {
    world.providers.answer = async () => {
      expect(world.mounter.calls).toEqual(["mount"]);
      await world.ports.locks.hold(aTarget, noSignal, () => Promise.resolve());
      return contentOf({ password: "hunter2" });
    };
    expect(await publish()).toEqual({ provider: "selfwriting" });
    expect(world.mounter.calls).toEqual(["mount", "write"]);
    expect(world.ports.preparations.isUnderWay(aTarget)).toBe(false);
  });

  test("and did, keeps its files: the volume is published, and reported by its versions", async () => {
    world.providers.answer = () => {
      writeFiles({ password: "its own" });
      return Promise.resolve(versionsAlone);
    };
    await publish();
    expect(world.files.volumes.get(aTarget)?.payload).toEqual(payloadOf({ password: "its own" }));
    expect(world.statuses.applied.map(({ objects }) => objects)).toEqual([versionsAlone.versions]);
    await publish();
    expect(world.providers.requests).toHaveLength(1);
  });

  test("is never asked before the class is good", async () => {
    world.classes.held.clear();
    await expect(publish()).rejects.toMatchObject({ reason: "SecretProviderClassNotFound" });
    expect(world.mounter.calls).toEqual([]);
  });

  test("finds a broken mount replaced", async () => {
    world.mounter.states.set(aTarget, "broken");
    await publish();
    expect(world.mounter.calls).toEqual(["unmount", "mount", "write"]);
  });
});

describe("when it fails", () => {
  test("mount and files are gone again", async () => {
    world.providers.answer = () => {
      writeFiles({ password: "half" });
      return Promise.reject(refused);
    };
    await expect(publish()).rejects.toMatchObject({ reason: "ProviderError" });
    expect(world.mounter.calls).toEqual(["mount", "unmount"]);
    expect(world.files.volumes.size).toBe(0);
    expect(world.ports.preparations.isUnderWay(aTarget)).toBe(false);
  });

  test("a mount that a crash left stays, without what was half written", async () => {
    world.mounter.states.set(aTarget, "mounted");
    world.providers.answer = () => {
      writeFiles({ password: "half" });
      return Promise.reject(refused);
    };
    await expect(publish()).rejects.toMatchObject({ reason: "ProviderError" });
    expect(world.mounter.calls).toEqual(["clear"]);
    expect(world.mounter.states.get(aTarget)).toBe("mounted");
    expect(world.files.volumes.size).toBe(0);
  });

  test("to be written, it is unmounted too", async () => {
    world.files.failure = new DriverError("FileWriteError", "no space");
    await expect(publish()).rejects.toThrow("no space");
    expect(world.mounter.calls).toEqual(["mount", "write", "unmount"]);
  });

  test("an unmount that fails as well is logged, and the first failure is told", async () => {
    world.providers.answer = () => Promise.reject(refused);
    world.mounter.unmount = () => Promise.reject(new DriverError("MountFailed", "in use"));
    await expect(publish()).rejects.toMatchObject({ reason: "ProviderError" });
    expect(world.log.lines.join("\n")).toContain("in use");
  });

  test("to be mounted, nobody is asked", async () => {
    world.mounter.mountTmpfs = () => Promise.reject(new DriverError("MountFailed", "no"));
    await expect(publish()).rejects.toMatchObject({ reason: "MountFailed" });
    expect(world.providers.requests).toEqual([]);
    expect(world.ports.preparations.isUnderWay(aTarget)).toBe(false);
  });

  test("since the caller left, nothing stays mounted", async () => {
    const caller = new AbortController();
    const calls = slowProvider();
    const publishing = publish(caller.signal);
    await expect.poll(() => calls.length).toBe(1);
    caller.abort();
    calls[0]?.resolve(contentOf({ password: "late" }));
    await expect(publishing).rejects.toMatchObject({ reason: "DeadlineExceeded" });
    expect(world.mounter.states.size).toBe(0);
  });

  test("for a caller who had left, nothing is mounted", async () => {
    await expect(publish(AbortSignal.abort())).rejects.toThrow(DriverError);
    expect(world.mounter.calls).toEqual([]);
  });
});

describe("while it writes", () => {
  test("files that stand there are nobody's content: kubelet's next call waits for a whole answer", async () => {
    const calls = slowProvider();
    const first = publish();
    await expect.poll(() => calls.length).toBe(1);
    writeFiles({ password: "half" });
    const second = publish();
    await expect.poll(() => calls.length).toBe(2);
    calls[0]?.resolve(versionsAlone);
    calls[1]?.resolve(versionsAlone);
    await Promise.all([first, second]);
    expect(world.mounter.calls).toEqual(["mount", "write"]);
  });

  test("a call that fails leaves the mount to the one that is still under way", async () => {
    const calls = slowProvider();
    const [first, second] = [publish(), publish()];
    await expect.poll(() => calls.length).toBe(2);
    calls[0]?.reject(refused);
    await expect(first).rejects.toMatchObject({ reason: "ProviderError" });
    expect(world.mounter.states.get(aTarget)).toBe("mounted");
    calls[1]?.resolve(contentOf({ password: "hunter2" }));
    await second;
    expect(world.mounter.calls).toEqual(["mount", "write"]);
  });

  test("a call that fails leaves what another one published", async () => {
    const calls = slowProvider();
    const [first, second] = [publish(), publish()];
    await expect.poll(() => calls.length).toBe(2);
    calls[1]?.resolve(contentOf({ password: "hunter2" }));
    await second;
    calls[0]?.reject(refused);
    await expect(first).rejects.toMatchObject({ reason: "ProviderError" });
    expect(world.mounter.states.get(aTarget)).toBe("mounted");
    expect(world.ports.volumes.get(aTarget)).toBeDefined();
  });

  test("the last of several that fail takes the mount away", async () => {
    const calls = slowProvider();
    const publishing = [publish(), publish(), publish()];
    await expect.poll(() => calls.length).toBe(3);
    for (const call of calls) call.reject(refused);
    await Promise.allSettled(publishing);
    expect(world.mounter.calls).toEqual(["mount", "unmount"]);
  });

  test("an unpublish is not held up", async () => {
    const calls = slowProvider();
    const publishing = publish();
    await expect.poll(() => calls.length).toBe(1);
    await unpublishVolume(aTarget, world.ports, noSignal);
    expect(world.mounter.states.size).toBe(0);
    calls[0]?.reject(refused);
    await expect(publishing).rejects.toMatchObject({ reason: "ProviderError" });
    expect(world.mounter.states.size).toBe(0);
  });
});

test("a provider of this process is asked before anything is mounted", async () => {
  world.classes.held.set("shop/vault", { provider: "azure", parameters: { a: "b" } });
  world.providers.answer = () => {
    expect(world.mounter.calls).toEqual([]);
    return Promise.reject(refused);
  };
  await expect(publish()).rejects.toMatchObject({ reason: "ProviderError" });
  expect(world.mounter.calls).toEqual([]);
});
