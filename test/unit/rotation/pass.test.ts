import { once } from "node:events";
import { beforeEach, describe, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import type { ContentRequest } from "../../../src/model.ts";
import { createNotices } from "../../../src/rotation/notices.ts";
import { dropOverdue } from "../../../src/rotation/overdue.ts";
import { createRotation, type Rotation } from "../../../src/rotation/pass.ts";
import { repair } from "../../../src/rotation/repair.ts";
import { publishVolume } from "../../../src/volume/publish.ts";
import { unpublishVolume } from "../../../src/volume/unpublish.ts";
import { contentOf } from "../../fakes/ports.ts";
import { aRequest, aVolume, createCoreWorld, noSignal, type CoreWorld } from "../../fakes/volumes.ts";

const INTERVAL_MS = 120_000;
let world: CoreWorld;
let rotation: Rotation;

beforeEach(() => {
  world = createCoreWorld();
  rotation = createRotation(world.ports, INTERVAL_MS);
});

/** Volume `index`, published by kubelet; its class is `vault` unless another is named. */
async function publish(index: number, className = "vault"): Promise<string> {
  const targetPath = `${aVolume.targetPath}-${index}`;
  const volume = { ...aVolume, targetPath, className };
  world.classes.held.set(`shop/${className}`, { provider: "azure", parameters: { keyvaultName: className } });
  await publishVolume({ ...aRequest, volume }, world.ports, { signal: noSignal });
  return targetPath;
}

function text(targetPath: string): string | undefined {
  const [file] = world.files.volumes.get(targetPath)?.payload ?? [];
  return file && Buffer.from(file.contents).toString();
}

function later(ms = INTERVAL_MS): void {
  world.now = new Date(world.now.getTime() + ms);
}

const counted = (): unknown[] => world.metrics.counted.filter(([name]) => name === "rotated").map(([, what]) => what);

/** A vault that answers until told otherwise; asks of the named class never end but by their signal. */
function hang(className: string): void {
  world.providers.answer = async ({ volume }: ContentRequest, signal) => {
    if (volume.className !== className) return contentOf({ password: "new" });
    await once(signal, "abort");
    throw new DriverError("DeadlineExceeded", "the caller's deadline ended");
  };
}

describe("a pass", () => {
  test("asks for content that left since it began, on behalf of every volume that is known", async () => {
    for (const index of [1, 2, 3]) await publish(index);
    world.providers.freshness.length = 0;
    later();
    await rotation.pass();
    const notOlderThan = world.now;
    const deadline = new Date(notOlderThan.getTime() + INTERVAL_MS);
    expect(world.providers.freshness).toEqual([1, 2, 3].map(() => ({ notOlderThan, priority: "rotation", deadline })));
  });

  test("swaps what changed, and says so once", async () => {
    const target = await publish(1);
    world.providers.answer = () =>
      Promise.resolve({ ...contentOf({ password: "new" }), versions: [{ id: "secret/password", version: "2" }] });
    await rotation.pass();
    await rotation.pass();
    expect(text(target)).toBe("new");
    expect(world.statuses.applied).toHaveLength(2);
    expect(world.events.recorded).toEqual([
      {
        pod: aVolume.pod,
        type: "Normal",
        reason: "MountRotationComplete",
        message: "mounted content of SecretProviderClass vault was rotated: secret/password is version 2",
      },
    ]);
    expect(counted()).toEqual([
      { provider: "azure", rotated: true, durationMs: 0 },
      { provider: "azure", rotated: false, durationMs: 0 },
    ]);
  });

  test("uses the credentials that kubelet handed over last", async () => {
    const targetPath = await publish(1);
    const credentials = { secrets: { clientid: "new" } };
    await publishVolume({ ...aRequest, volume: { ...aVolume, targetPath }, credentials }, world.ports, {
      signal: noSignal,
    });
    await rotation.pass();
    expect(world.providers.requests.at(-1)?.credentials).toEqual(credentials);
  });

  test("follows the edits of a class", async () => {
    await publish(1);
    world.classes.held.set("shop/vault", { provider: "azure", parameters: { keyvaultName: "other" } });
    await rotation.pass();
    expect(world.providers.requests.at(-1)?.parameters["keyvaultName"]).toBe("other");
  });

  test("leaves out a volume whose credentials are overdue, and takes it again when kubelet came", async () => {
    const targetPath = await publish(1);
    later(15 * 60_000);
    await rotation.pass();
    expect(world.providers.requests).toHaveLength(1);
    await publishVolume({ ...aRequest, volume: { ...aVolume, targetPath } }, world.ports, { signal: noSignal });
    await rotation.pass();
    expect(world.providers.requests).toHaveLength(2);
  });

  test("tells that a volume is up to date again, when kubelet came after its credentials were dropped", async () => {
    const targetPath = await publish(1);
    later(15 * 60_000);
    dropOverdue(world.ports);
    await publishVolume({ ...aRequest, volume: { ...aVolume, targetPath } }, world.ports, { signal: noSignal });
    await rotation.pass();
    expect(world.events.recorded.map(({ message }) => message)).toEqual([
      expect.stringContaining("is not refreshed any more"),
      expect.stringContaining("is up to date again"),
    ]);
  });

  test.each([20, -20])("is not led astray by a time of day that is set by %i minutes meanwhile", async (minutes) => {
    await publish(1);
    world.providers.answer = () => {
      world.jumpedMs += minutes * 60_000;
      later(minutes * 60_000);
      return Promise.resolve(contentOf({ password: "new" }));
    };
    await rotation.pass();
    await rotation.pass();
    expect(world.providers.requests).toHaveLength(3);
    expect(counted()).toMatchObject([{ durationMs: 0 }, { durationMs: 0 }]);
  });

  test("takes a volume that somebody else is busy with when that is done", async () => {
    await publish(1);
    const [known] = world.ports.volumes.all();
    const claim = known && world.ports.volumes.claim(known.volume);
    const pass = rotation.pass();
    claim?.[Symbol.dispose]();
    await pass;
    expect(world.providers.requests).toHaveLength(2);
  });

  test("leaves out a volume that is published anew while it waits for it", async () => {
    const targetPath = await publish(1);
    const [known] = world.ports.volumes.all();
    const claim = known && world.ports.volumes.claim(known.volume);
    const pass = rotation.pass();
    await unpublishVolume(targetPath, world.ports, noSignal);
    await publish(1);
    claim?.[Symbol.dispose]();
    await pass;
    expect(world.providers.requests).toHaveLength(2);
  });

  test("writes nothing to a volume that is unpublished meanwhile", async () => {
    const target = await publish(1);
    world.providers.answer = async () => {
      await unpublishVolume(target, world.ports, noSignal);
      return contentOf({ password: "late" });
    };
    await rotation.pass();
    expect(text(target)).toBeUndefined();
    expect(counted()).toEqual([]);
    expect(world.mounter.states.size).toBe(0);
  });
});

describe("a vault that hangs", () => {
  test("delays nobody else", async () => {
    const [slow, quick] = [await publish(1, "slow"), await publish(2)];
    hang("slow");
    const pass = rotation.pass();
    await expect.poll(() => text(quick)).toBe("new");
    expect(text(slow)).toBe("hunter2");
    await Promise.all([rotation.stop(), pass]);
  });

  test("is given up after one interval, which an event tells, and asked again at once, never twice at a time", async () => {
    await publish(1, "slow");
    hang("slow");
    const first = rotation.pass();
    await expect.poll(() => world.providers.requests.length).toBe(2);
    later();
    const second = rotation.pass();
    expect(world.providers.requests).toHaveLength(2);
    await first;
    await expect.poll(() => world.providers.requests.length).toBe(3);
    expect(world.providers.freshness[2]?.notOlderThan).toEqual(world.now);
    expect(world.events.recorded.map(({ message }) => message)).toEqual([
      "the refresh did not end within one rotation interval; the mounted content stays as it is",
    ]);
    expect(counted()).toMatchObject([{ provider: "azure", rotated: false, error: { reason: "DeadlineExceeded" } }]);
    await Promise.all([rotation.stop(), second]);
  });

  test("and does not even end when it is told to is asked no second time, however many passes begin", async () => {
    await publish(1, "slow");
    world.providers.answer = () => Promise.withResolvers<never>().promise;
    void rotation.pass();
    await expect.poll(() => world.providers.requests.length).toBe(2);
    const second = rotation.pass();
    const third = rotation.pass();
    await second;
    expect(world.providers.requests).toHaveLength(2);
    void rotation.pass();
    await third;
  });

  test("ends with a stop, of which nothing is told", async () => {
    await publish(1, "slow");
    hang("slow");
    const pass = rotation.pass();
    await expect.poll(() => world.providers.requests.length).toBe(2);
    await rotation.stop();
    await pass;
    expect(world.events.recorded).toEqual([]);
    expect(counted()).toEqual([]);
  });

  test("and an API server that hangs: a status that a stop leaves unwritten is no event either", async () => {
    await publish(1);
    const version = "2";
    const content = { ...contentOf({ password: "new" }), versions: [{ id: "secret/password", version }] };
    world.providers.answer = () => Promise.resolve(content);
    const asked = Promise.withResolvers<undefined>();
    world.statuses.apply = async (_status, signal) => {
      asked.resolve(undefined);
      await once(signal, "abort");
      throw new DriverError("DeadlineExceeded", "the caller's deadline ended");
    };
    const pass = rotation.pass();
    await asked.promise;
    await rotation.stop();
    await pass;
    expect(world.events.recorded).toEqual([]);
    expect(world.ports.volumes.all()).toMatchObject([{ report: "owed" }]);
  });
});

describe("a refresh that fails", () => {
  const refused = new DriverError("PermissionDenied", "AccessDenied: grant it");

  test("keeps the mounted content, and is told by event and metric", async () => {
    const target = await publish(1);
    world.providers.answer = () => Promise.reject(refused);
    await rotation.pass();
    expect(text(target)).toBe("hunter2");
    const beginning = "failed to mount secrets store objects for pod shop/web-0, err: ";
    expect(world.events.recorded).toEqual([
      {
        pod: aVolume.pod,
        type: "Warning",
        reason: "MountRotationFailed",
        message: `${beginning}AccessDenied: grant it; the mounted content stays as it is`,
      },
    ]);
    expect(counted()).toMatchObject([{ provider: "azure", rotated: false, error: { reason: "PermissionDenied" } }]);
  });

  test("is invisible to kubelet: a republish is OK", async () => {
    const targetPath = await publish(1);
    world.providers.answer = () => Promise.reject(refused);
    await rotation.pass();
    const again = { ...aRequest, volume: { ...aVolume, targetPath } };
    expect(await publishVolume(again, world.ports, { signal: noSignal })).toEqual({ provider: "azure" });
  });

  test("and works again is told, though nothing changed", async () => {
    await publish(1);
    const { answer } = world.providers;
    world.providers.answer = () => Promise.reject(refused);
    await rotation.pass();
    world.providers.answer = answer;
    await rotation.pass();
    await rotation.pass();
    expect(world.events.recorded.map(({ reason }) => reason)).toEqual(["MountRotationFailed", "MountRotationComplete"]);
  });

  test("of what nobody foresaw tells nothing of it", async () => {
    await publish(1);
    world.providers.answer = () => Promise.reject(new Error("hunter2"));
    await rotation.pass();
    expect(JSON.stringify(world.events.recorded)).toContain("internal error");
    expect(JSON.stringify(world.events.recorded)).not.toContain("hunter2");
  });
});

test("a volume that a pass finds in the moment of its publish is reported, even if that pass cannot refresh it", async () => {
  const { remember } = world.ports.volumes;
  const passes: Promise<void>[] = [];
  world.ports.volumes.remember = (known) => {
    world.providers.answer = () => Promise.reject(new DriverError("ProviderUnavailable", "no route"));
    queueMicrotask(() => passes.push(rotation.pass()));
    return remember(known);
  };
  await publish(1);
  expect(world.statuses.applied).toHaveLength(1);
  await Promise.all(passes);
  expect(world.providers.requests).toHaveLength(2);
});

test("while the API server hangs, a pass ends within a short interval, too", async () => {
  const target = await publish(1);
  world.classes.read = async (_ref, _freshness, signal) => {
    await once(signal, "abort");
    throw new DriverError("DeadlineExceeded", "the caller's deadline ended");
  };
  world.providers.answer = () => Promise.resolve(contentOf({ password: "new" }));
  await createRotation(world.ports, 30).pass();
  expect(text(target)).toBe("new");
  expect(world.events.recorded.map(({ reason }) => reason)).toEqual(["MountRotationComplete"]);
});

test("while the API server is away volumes keep rotating, and what is owed is paid afterwards", async () => {
  const targets = [await publish(1), await publish(2)];
  const away = new DriverError("KubernetesUnavailable", "the Kubernetes API cannot be reached");
  world.classes.failure = away;
  world.statuses.failure = away;
  world.providers.answer = () =>
    Promise.resolve({ ...contentOf({ password: "new" }), versions: [{ id: "secret/password", version: "2" }] });
  await rotation.pass();
  expect(targets.map(text)).toEqual(["new", "new"]);
  expect(world.ports.volumes.all().map(({ report }) => report)).toEqual(["owed", "owed"]);
  world.classes.failure = undefined;
  world.statuses.failure = undefined;
  await repair(world.ports, noSignal);
  expect(world.statuses.applied.slice(2).map(({ objects }) => objects[0]?.version)).toEqual(["2", "2"]);
  expect(world.ports.volumes.all().map(({ report }) => report)).toEqual(["told", "told"]);
});

test("while the API server is away for a day, what is remembered and told does not grow with it", async () => {
  const away = new DriverError("KubernetesUnavailable", "the Kubernetes API cannot be reached");
  const notices = createNotices(world.events, world.ports.elapsed, world.log);
  const ports = { ...world.ports, events: notices };
  rotation = createRotation(ports, INTERVAL_MS);
  for (const index of [1, 2, 3]) await publish(index);
  world.classes.failure = away;
  world.statuses.failure = away;
  const passes = (24 * 3_600_000) / INTERVAL_MS;
  for (let pass = 0; pass < passes; pass += 1) {
    const version = String(pass + 2);
    const content = { ...contentOf({ password: version }), versions: [{ id: "secret/password", version }] };
    world.providers.answer = () => Promise.resolve(content);
    later();
    for (const known of ports.volumes.all())
      ports.volumes.handOver({ ...aRequest, volume: known.volume }, ports.elapsed());
    await rotation.pass();
  }
  // Of the three volumes, which are of one pod: that the status could not be written, within the last hour.
  expect(notices.remembered()).toBeLessThanOrEqual(10);
  const told = Map.groupBy(world.events.recorded, ({ type }) => type);
  expect(told.get("Warning")?.length).toBeLessThanOrEqual(10 * 24);
  expect(told.get("Normal")).toHaveLength(3 * passes);
  expect(ports.volumes.all().map(({ report }) => report)).toEqual(["owed", "owed", "owed"]);
});
