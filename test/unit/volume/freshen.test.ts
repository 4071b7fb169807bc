import { beforeEach, describe, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import { freshen, type Freshened } from "../../../src/volume/freshen.ts";
import { aPodUid, aTarget } from "../../fakes/messages.ts";
import { payloadOf } from "../../fakes/payload.ts";
import { contentOf } from "../../fakes/ports.ts";
import { aKnownVolume, aVolume, anyAge, createCoreWorld, noSignal, type CoreWorld } from "../../fakes/volumes.ts";

const away = new DriverError("KubernetesUnavailable", "the Kubernetes API cannot be reached");
const vault = {
  ref: { namespace: "shop", name: "vault" },
  provider: "azure",
  parameters: { keyvaultName: "kv" },
  secretObjects: [],
};
let world: CoreWorld;

beforeEach(() => {
  world = createCoreWorld();
  world.mounter.states.set(aTarget, "mounted");
  world.files.volumes.set(aTarget, { payload: payloadOf({ password: "old" }), group: undefined });
  world.pods.held.set("shop/web-0", { uid: aPodUid, owners: [], ending: false });
  world.statuses.live.set("shop/web-0-shop-vault", { uid: "status", ownerUids: [aPodUid] });
});

function refresh(changes: Parameters<typeof aKnownVolume>[0] = {}): Promise<Freshened | undefined> {
  const known = aKnownVolume({ secretProviderClass: vault, ...changes });
  world.ports.volumes.remember(known);
  return freshen(known, world.ports, { freshness: anyAge, signal: noSignal });
}

const texts = (): string[] =>
  (world.files.volumes.get(aTarget)?.payload ?? []).map(({ contents }) => Buffer.from(contents).toString());

/** What the provider has, in which version. */
function offer(text: string, version: string): void {
  const { files } = contentOf({ password: text });
  world.providers.answer = () => Promise.resolve({ files, versions: [{ id: "secret/password", version }] });
}

describe("a known, mounted volume", () => {
  test("gets what the provider has, and is reported in its new version", async () => {
    offer("new", "2");
    expect(await refresh()).toEqual({
      rotated: true,
      before: [{ id: "secret/password", version: "1" }],
      after: [{ id: "secret/password", version: "2" }],
    });
    expect(texts()).toEqual(["new"]);
    expect(world.statuses.applied.map(({ objects }) => objects)).toEqual([[{ id: "secret/password", version: "2" }]]);
    expect(world.ports.volumes.get(aTarget)).toMatchObject({ report: "told", freshAt: world.now });
  });

  test("is as fresh as the moment in which it was asked for, however long the answer takes", async () => {
    const askedAt = world.now;
    const { answer } = world.providers;
    world.providers.answer = (...asked) => {
      world.now = new Date(askedAt.getTime() + 60_000);
      return answer(...asked);
    };
    await refresh({ freshAt: new Date(0) });
    expect(world.ports.volumes.get(aTarget)?.freshAt).toEqual(askedAt);
  });

  test("of which nothing changed costs no write, no report and no Secret", async () => {
    offer("old", "1");
    expect(await refresh()).toMatchObject({ rotated: false });
    expect(world.statuses.applied).toEqual([]);
    expect(world.secrets.calls).toEqual([]);
  });

  test("whose report is owed is reported when nothing changed, too", async () => {
    offer("old", "1");
    await refresh({ report: "owed" });
    expect(world.statuses.applied).toHaveLength(1);
    expect(world.ports.volumes.get(aTarget)?.report).toBe("told");
  });

  test("keeps its new files when the report of them fails", async () => {
    offer("new", "2");
    world.statuses.failure = away;
    expect(await refresh()).toMatchObject({ rotated: true });
    expect(texts()).toEqual(["new"]);
    expect(world.ports.volumes.get(aTarget)?.report).toBe("owed");
  });

  test("keeps its old files when the provider fails", async () => {
    world.providers.answer = () => Promise.reject(new DriverError("ProviderUnavailable", "no route"));
    await expect(refresh()).rejects.toMatchObject({ reason: "ProviderUnavailable", provider: "azure" });
    expect(texts()).toEqual(["old"]);
    expect(world.ports.volumes.get(aTarget)?.freshAt).toEqual(new Date(0));
  });

  test("gets Secrets that an edited class asks for, though its files are the same", async () => {
    offer("old", "1");
    const data = [{ objectName: "password", key: "p" }];
    const secretObjects = [{ secretName: "db", type: "", labels: {}, annotations: {}, data }];
    world.classes.held.set("shop/vault", { ...vault, secretObjects });
    await refresh();
    expect(world.secrets.held.has("shop/db")).toBe(true);
    expect(world.events.recorded.map(({ reason }) => reason)).toEqual(["SecretRotationComplete"]);
  });
});

describe("while the Kubernetes API is away", () => {
  test("the class counts as it was read last", async () => {
    offer("new", "2");
    world.classes.failure = away;
    await refresh();
    expect(texts()).toEqual(["new"]);
  });

  test("a volume whose class was never read is not refreshed", async () => {
    world.classes.failure = away;
    await expect(refresh({ secretProviderClass: undefined })).rejects.toBe(away);
  });

  test("only that: a class that is gone is told", async () => {
    world.classes.held.clear();
    await expect(refresh()).rejects.toMatchObject({ reason: "SecretProviderClassNotFound" });
    expect(texts()).toEqual(["old"]);
  });
});

describe("a volume is left alone", () => {
  test("that lost its mount: its files would go to the node's disk", async () => {
    world.mounter.states.set(aTarget, "directory");
    expect(await refresh()).toBeUndefined();
    expect(texts()).toEqual(["old"]);
  });

  test("that was forgotten meanwhile", async () => {
    world.providers.answer = () => {
      world.ports.volumes.forget(aTarget);
      return Promise.resolve(contentOf({ password: "late" }));
    };
    expect(await refresh()).toBeUndefined();
    expect(texts()).toEqual(["old"]);
  });

  test("that was published anew meanwhile, with content that may be newer", async () => {
    world.providers.answer = () => {
      world.ports.volumes.remember(aKnownVolume({ volume: { ...aVolume } }));
      return Promise.resolve(contentOf({ password: "late" }));
    };
    expect(await refresh()).toBeUndefined();
    expect(texts()).toEqual(["old"]);
  });
});

describe("a provider that may write into the target by itself", () => {
  const selfwriting = { ...vault, provider: "selfwriting" };
  const secretObject = {
    secretName: "db",
    type: "",
    labels: {},
    annotations: {},
    data: [{ objectName: "password", key: "pw" }],
  };

  beforeEach(() => {
    world.classes.held.set("shop/vault", selfwriting);
  });

  test("is not asked about a target that is no mount any more", async () => {
    world.mounter.states.set(aTarget, "directory");
    expect(await refresh({ secretProviderClass: selfwriting })).toBeUndefined();
    expect(world.providers.requests).toEqual([]);
  });

  test.each([
    ["rotated the volume when its versions changed", "2", true],
    ["did nothing when they did not", "1", false],
  ])("and gives no files %s; the files stay", async (_name, version, rotated) => {
    world.providers.answer = () => Promise.resolve({ files: [], versions: [{ id: "secret/password", version }] });
    expect(await refresh({ secretProviderClass: selfwriting })).toMatchObject({ rotated });
    expect(texts()).toEqual(["old"]);
    expect(world.statuses.applied).toHaveLength(rotated ? 1 : 0);
  });

  test("has its files mirrored to Secrets from the volume", async () => {
    world.classes.held.set("shop/vault", { ...selfwriting, secretObjects: [secretObject] });
    world.pods.held.set("shop/web-0", {
      uid: aPodUid,
      owners: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid: "rs" }],
      ending: false,
    });
    world.providers.answer = () => {
      world.files.volumes.set(aTarget, { payload: payloadOf({ password: "its own" }), group: undefined });
      return Promise.resolve({ files: [], versions: [{ id: "secret/password", version: "2" }] });
    };
    await refresh({ secretProviderClass: selfwriting });
    expect(Buffer.from(world.secrets.held.get("shop/db")?.data["pw"] ?? []).toString()).toBe("its own");
  });
});
