import { once } from "node:events";
import { beforeEach, describe, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import { repair } from "../../../src/rotation/repair.ts";
import { publishVolume, type Published } from "../../../src/volume/publish.ts";
import { aPodUid, aTarget } from "../../fakes/messages.ts";
import { payloadOf } from "../../fakes/payload.ts";
import { contentOf } from "../../fakes/ports.ts";
import { aRequest, aVolume, createCoreWorld, noSignal, type CoreWorld } from "../../fakes/volumes.ts";

const statusKey = "shop/web-0-shop-vault";
const unreachable = new DriverError("KubernetesUnavailable", "the Kubernetes API cannot be reached");

let world: CoreWorld;

beforeEach(() => {
  world = createCoreWorld();
});

function publish(signal = noSignal, request = aRequest): Promise<Published> {
  return publishVolume(request, world.ports, { signal });
}

function textsOf(target = aTarget): string[] {
  return (world.files.volumes.get(target)?.payload ?? []).map(({ contents }) => Buffer.from(contents).toString());
}

/** Somebody else mounted and filled the target. */
function publishedByOthers(): void {
  world.mounter.states.set(aTarget, "mounted");
  world.files.volumes.set(aTarget, { payload: payloadOf({ password: "old" }), group: undefined });
}

function report(): string | undefined {
  return world.ports.volumes.get(aTarget)?.report;
}

describe("a volume that is not published", () => {
  test("is fetched, mounted, written for the pod's group and reported, in this order", async () => {
    await publish(noSignal, { ...aRequest, volume: { ...aVolume, group: 2000 } });
    expect(world.mounter.calls).toEqual(["mount", "write"]);
    expect(textsOf()).toEqual(["hunter2"]);
    expect(world.files.volumes.get(aTarget)?.group).toBe(2000);
    expect(world.statuses.applied).toEqual([
      {
        ref: { namespace: "shop", name: "web-0-shop-vault" },
        pod: aVolume.pod,
        nodeName: "node-1",
        className: "vault",
        targetPath: aTarget,
        objects: [{ id: "secret/password", version: "1" }],
      },
    ]);
    expect(report()).toBe("told");
  });

  test("gets its tmpfs on a plain directory as well", async () => {
    world.mounter.states.set(aTarget, "directory");
    await publish();
    expect(world.mounter.calls).toEqual(["mount", "write"]);
  });

  test("that is mounted but empty is filled, not replaced", async () => {
    world.mounter.states.set(aTarget, "mounted");
    await publish();
    expect(world.mounter.calls).toEqual(["write"]);
    expect(textsOf()).toEqual(["hunter2"]);
  });

  test("behind a broken mount is unmounted first", async () => {
    world.mounter.states.set(aTarget, "broken");
    await publish();
    expect(world.mounter.calls).toEqual(["unmount", "mount", "write"]);
  });

  test("of which the provider gives no files is published all the same", async () => {
    world.providers.answer = () => Promise.resolve({ files: [], versions: [{ id: "secret/a", version: "1" }] });
    await publish();
    world.files.volumes.clear();
    await publish();
    expect(world.providers.requests).toHaveLength(1);
  });
});

describe("a publish that fails", () => {
  test("to write unmounts what it mounted", async () => {
    world.files.failure = new DriverError("FileWriteError", "no space");
    await expect(publish()).rejects.toThrow("no space");
    expect(world.mounter.calls).toEqual(["mount", "write", "unmount"]);
    expect(world.ports.volumes.get(aTarget)).toBeUndefined();
    expect(world.statuses.applied).toEqual([]);
  });

  test("to write leaves a mount that it found", async () => {
    world.mounter.states.set(aTarget, "mounted");
    world.files.failure = new DriverError("FileWriteError", "no space");
    await expect(publish()).rejects.toThrow("no space");
    expect(world.mounter.calls).toEqual(["write"]);
  });

  test.each([
    [new DriverError("MountFailed", "busy"), "busy"],
    [new Error("hunter2"), "internal error"],
  ])("to write and to unmount tells why it could not write, and logs the other", async (failure, told) => {
    world.files.failure = new DriverError("FileWriteError", "no space");
    world.mounter.unmount = () => Promise.reject(failure);
    await expect(publish()).rejects.toThrow("no space");
    const line = `ERROR failed to unmount a volume whose content could not be written`;
    expect(world.log.lines).toEqual([`${line} ${JSON.stringify({ targetPath: aTarget, err: told })}`]);
  });

  test("to fetch touches nothing", async () => {
    world.providers.answer = () => Promise.reject(new DriverError("Throttled", "later"));
    await expect(publish()).rejects.toMatchObject({ reason: "Throttled" });
    expect(world.mounter.calls).toEqual([]);
  });

  test("since the caller left while it fetched touches nothing", async () => {
    const leaver = new AbortController();
    world.providers.answer = () => {
      leaver.abort();
      return Promise.resolve(contentOf({ password: "late" }));
    };
    await expect(publish(leaver.signal)).rejects.toBeInstanceOf(DriverError);
    expect(world.mounter.calls).toEqual([]);
    expect(world.ports.volumes.get(aTarget)).toBeUndefined();
  });

  test("since the caller left while the target was looked at mounts nothing", async () => {
    const leaver = new AbortController();
    let looks = 0;
    world.mounter.look = () => {
      looks += 1;
      if (looks === 2) leaver.abort();
      return Promise.resolve("absent");
    };
    await expect(publish(leaver.signal)).rejects.toEqual(
      new DriverError("DeadlineExceeded", "the caller's deadline ended before the volume was mounted"),
    );
    expect(world.mounter.calls).toEqual([]);
  });
});

describe("publishes of one target at the same time", () => {
  test("write once and report what is there", async () => {
    await Promise.all([publish(), publish(), publish()]);
    expect(world.mounter.calls).toEqual(["mount", "write"]);
    expect(report()).toBe("told");
  });
});

describe("a republish", () => {
  test("costs no request", async () => {
    await publish();
    await publish();
    expect(world.providers.requests).toHaveLength(1);
    expect(world.statuses.applied).toHaveLength(1);
    expect(world.statuses.reads).toEqual([]);
    expect(world.mounter.calls).toEqual(["mount", "write"]);
  });

  test("fills a volume that was unmounted behind our back", async () => {
    await publish();
    world.mounter.states.delete(aTarget);
    await publish();
    expect(world.mounter.calls).toEqual(["mount", "write", "mount", "write"]);
  });
});

describe("a status that cannot be written", () => {
  test.each([
    [unreachable, "the Kubernetes API cannot be reached"],
    [new Error("hunter2"), "internal error"],
  ])("is owed: the publish succeeds and an event says why", async (failure, told) => {
    world.statuses.failure = failure;
    await publish();
    expect(report()).toBe("owed");
    expect(world.mounter.calls).toEqual(["mount", "write"]);
    const beginning = "failed to create secret provider class pod status for pod shop/web-0, will try again";
    expect(world.events.recorded).toEqual([
      { pod: aVolume.pod, type: "Warning", reason: "MountRotationFailed", message: `${beginning}: ${told}` },
    ]);
  });

  test("is paid by the next publish", async () => {
    world.statuses.failure = unreachable;
    await publish();
    world.statuses.failure = undefined;
    await publish();
    expect(world.statuses.applied).toHaveLength(1);
    expect(report()).toBe("told");
    expect(world.providers.requests).toHaveLength(1);
  });

  test("is paid by the repair", async () => {
    world.statuses.failure = unreachable;
    await publish();
    world.statuses.failure = undefined;
    await repair(world.ports, noSignal);
    expect(world.statuses.applied).toHaveLength(1);
    expect(report()).toBe("told");
  });
});

describe("a volume that somebody else published", () => {
  beforeEach(publishedByOthers);

  test("and reported for this very pod is left alone, its status read once", async () => {
    world.statuses.live.set(statusKey, { uid: "status", ownerUids: ["another", aPodUid] });
    await publish();
    await publish();
    expect(world.statuses.reads).toEqual([{ namespace: "shop", name: "web-0-shop-vault" }]);
    expect(world.providers.requests).toEqual([]);
    expect(textsOf()).toEqual(["old"]);
  });

  test.each([
    ["never reported", undefined],
    ["reported for an earlier pod of its name", { uid: "status", ownerUids: ["another"] }],
  ])("but %s is freshened in place", async (_name, live) => {
    if (live) world.statuses.live.set(statusKey, live);
    await publish();
    expect(world.mounter.calls).toEqual(["write"]);
    expect(textsOf()).toEqual(["hunter2"]);
    expect(world.statuses.applied).toHaveLength(1);
    expect(report()).toBe("told");
  });

  test("and that cannot be freshened is OK and owed, its old files kept", async () => {
    world.providers.answer = () => Promise.reject(new DriverError("ProviderUnavailable", "no route"));
    await publish();
    expect(report()).toBe("unknown");
    expect(textsOf()).toEqual(["old"]);
  });

  test("and whose status cannot be read is OK and owed", async () => {
    world.statuses.failure = unreachable;
    await publish();
    expect(report()).toBe("unknown");
    expect(world.providers.requests).toEqual([]);
  });

  test("is tried again with the credentials that kubelet handed over last", async () => {
    world.statuses.failure = unreachable;
    await publish();
    world.statuses.failure = undefined;
    await publish(noSignal, { ...aRequest, credentials: { secrets: { clientid: "new" } } });
    expect(world.providers.requests.map(({ credentials }) => credentials)).toEqual([{ secrets: { clientid: "new" } }]);
    expect(report()).toBe("told");
  });

  test("and unpublished while it is freshened is not written to", async () => {
    world.providers.answer = () => {
      world.ports.volumes.forget(aTarget);
      return Promise.resolve(contentOf({ password: "late" }));
    };
    await publish();
    expect(world.mounter.calls).toEqual([]);
    expect(world.statuses.applied).toEqual([]);
    expect(world.ports.volumes.get(aTarget)).toBeUndefined();
  });

  test("and unpublished while it was looked at is not remembered with its credentials", async () => {
    let looks = 0;
    world.mounter.look = () => {
      looks += 1;
      return Promise.resolve(looks === 1 ? "mounted" : "absent");
    };
    await expect(publish()).rejects.toMatchObject({ reason: "Busy" });
    expect(world.ports.volumes.get(aTarget)).toBeUndefined();
  });
});

describe("credentials", () => {
  const fresh = { secrets: { clientid: "new" } };
  const known = () => world.ports.volumes.get(aTarget)?.credentials;

  test("of a publish are known, and those of each republish take their place", async () => {
    await publish();
    expect(known()).toEqual(aRequest.credentials);
    world.now = new Date(world.now.getTime() + 60_000);
    await publish(noSignal, { ...aRequest, credentials: fresh });
    expect(known()).toEqual(fresh);
    expect(world.ports.volumes.get(aTarget)?.handedOverAt).toBe(world.ports.elapsed());
  });

  test("are kept while rotation is off only until a volume of others is looked into", async () => {
    world = createCoreWorld({ keepsCredentials: false });
    publishedByOthers();
    world.statuses.failure = unreachable;
    await publish();
    expect(known()).toEqual(aRequest.credentials);
    world.statuses.failure = undefined;
    await publish();
    expect(report()).toBe("told");
    expect(known()).toBeUndefined();
  });

  test("of a volume that this process published are not kept while rotation is off, whatever it owes", async () => {
    world = createCoreWorld({ keepsCredentials: false });
    world.statuses.failure = unreachable;
    await publish();
    expect(report()).toBe("owed");
    expect(known()).toBeUndefined();
  });
});

describe("the Secrets of a class", () => {
  const secretObjects = [
    { secretName: "db", type: "", labels: {}, annotations: {}, data: [{ objectName: "password", key: "p" }] },
  ];
  const values = () => world.secrets.held.get("shop/db")?.data;

  beforeEach(() => {
    world.classes.held.set("shop/vault", { provider: "azure", parameters: { keyvaultName: "kv" }, secretObjects });
    world.pods.held.set("shop/web-0", { uid: aPodUid, owners: [], ending: false });
  });

  test("are written after the status that is to own them", async () => {
    await publish();
    expect(Buffer.from(values()?.["p"] ?? []).toString()).toBe("hunter2");
    expect(world.secrets.held.get("shop/db")?.owners.map(({ uid }) => uid)).toEqual([`status-of-${aPodUid}`]);
    expect(world.metrics.counted.map(([name]) => name)).toEqual(["secretSynced"]);
    expect(world.events.recorded).toEqual([]);
  });

  test("that cannot be written are owed: the publish succeeds, an event says why, and the repair pays", async () => {
    world.secrets.failure = unreachable;
    await publish();
    expect(world.events.recorded.map(({ reason }) => reason)).toEqual(["FailedToCreateSecret"]);
    expect(world.ports.volumes.get(aTarget)?.secretsOwed).toBe(true);
    world.secrets.failure = undefined;
    await repair(world.ports, noSignal);
    expect(values()).toBeDefined();
    expect(world.ports.volumes.get(aTarget)?.secretsOwed).toBe(false);
  });

  test("that the API server does not write hold up no pod: ten of one Secret start, and each is told once what is owed", async () => {
    let creates = 0;
    world.secrets.create = async (_secret, signal) => {
      creates += 1;
      if (!signal.aborted) await once(signal, "abort");
      throw new DriverError("KubernetesUnavailable", "no answer in time");
    };
    const volumes = Array.from({ length: 10 }, (_, index) => {
      const pod = { ...aVolume.pod, name: `web-${index}`, uid: `uid-${index}` };
      world.pods.held.set(`shop/${pod.name}`, { uid: pod.uid, owners: [], ending: false });
      return { ...aVolume, pod, targetPath: `${aTarget}-${index}` };
    });
    const published = volumes.map((volume) =>
      publishVolume({ ...aRequest, volume }, world.ports, { signal: noSignal }, 20),
    );
    expect(await Promise.all(published)).toHaveLength(10);
    expect(creates).toBe(1);
    expect(world.ports.volumes.all().map(({ report, secretsOwed }) => [report, secretsOwed])).toEqual(
      volumes.map(() => ["told", true]),
    );
    expect(world.events.recorded.map(({ reason }) => reason)).toEqual(volumes.map(() => "FailedToCreateSecret"));
  });

  test("that somebody deleted are restored from the mounted files by the repair, and an event says so", async () => {
    await publish();
    world.secrets.held.clear();
    world.providers.answer = () => Promise.reject(new DriverError("ProviderUnavailable", "no route"));
    await repair(world.ports, noSignal);
    expect(Buffer.from(values()?.["p"] ?? []).toString()).toBe("hunter2");
    expect(world.events.recorded.map(({ message }) => message)).toEqual(["secret db was missing and is created"]);
    expect(world.providers.requests).toHaveLength(1);
  });

  test("cost one read each when nothing changed, and no write", async () => {
    await publish();
    world.secrets.calls.length = 0;
    await repair(world.ports, noSignal);
    expect(world.secrets.calls).toEqual(["read shop/db"]);
  });

  test("of a volume of others are restored, too", async () => {
    publishedByOthers();
    world.statuses.live.set(statusKey, { uid: "status", ownerUids: [aPodUid] });
    await publish();
    await repair(world.ports, noSignal);
    expect(Buffer.from(values()?.["p"] ?? []).toString()).toBe("old");
  });
});
