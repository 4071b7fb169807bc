import { beforeEach, describe, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import type { VolumeFile } from "../../../src/model.ts";
import { mirror } from "../../../src/volume/mirror.ts";
import { contentOf } from "../../fakes/ports.ts";
import { aKnownVolume, aVolume, createCoreWorld, noSignal, type CoreWorld } from "../../fakes/volumes.ts";

let world: CoreWorld;

beforeEach(() => {
  world = createCoreWorld();
  const secretObject = {
    secretName: "db",
    type: "",
    labels: {},
    annotations: {},
    data: [{ objectName: "password", key: "pw" }],
  };
  const ref = { namespace: "shop", name: "vault" };
  const secretProviderClass = { ref, provider: "azure", parameters: {}, secretObjects: [secretObject] };
  world.ports.volumes.remember(aKnownVolume({ secretProviderClass }));
  const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid: "rs" };
  world.pods.held.set("shop/web-0", { uid: aVolume.pod.uid, owners: [owner], ending: false });
});

function holding(password: string, writtenAt: string): readonly VolumeFile[] {
  world.files.writtenAt = () => Promise.resolve(new Date(writtenAt));
  return contentOf({ password }).files;
}

async function synced(
  password: string,
  writtenAt: string,
  occasion: "publish" | "rotation" | "repair",
): Promise<string> {
  await mirror({ volume: aVolume, files: holding(password, writtenAt), occasion }, world.ports, noSignal);
  return Buffer.from(world.secrets.held.get("shop/db")?.data["pw"] ?? []).toString();
}

describe("a Secret that was made of later files", () => {
  beforeEach(async () => {
    expect(await synced("new", "2026-01-01T12:00:00Z", "publish")).toBe("new");
  });

  test("is not taken back by the repair of a volume that still holds the old ones", async () => {
    expect(await synced("old", "2026-01-01T11:00:00Z", "repair")).toBe("new");
  });

  test.each([
    ["a rotation owes it: its next pass decides, since somebody may have set the clock", { secretsOwed: true }, true],
    ["nothing is owed", { secretsOwed: false }, false],
    ["there is no rotation", { secretsOwed: true, credentials: undefined }, false],
  ])("and is not taken back by a repair is owed where %s", async (_name, known, owed) => {
    world.ports.volumes.change(aVolume, known);
    await synced("old", "2026-01-01T11:00:00Z", "repair");
    expect(world.ports.volumes.get(aVolume.targetPath)?.secretsOwed).toBe(owed);
  });

  test.each(["publish", "rotation"] as const)("follows what %s has just fetched", async (occasion) => {
    expect(await synced("old", "2026-01-01T11:00:00Z", occasion)).toBe("old");
  });

  test("follows the repair of a volume whose files are later still", async () => {
    expect(await synced("newest", "2026-01-01T13:00:00Z", "repair")).toBe("newest");
  });
});

test("files of which nobody can say since when they are leave Secrets owed, which is counted as a failure", async () => {
  world.files.writtenAt = () => Promise.reject(new DriverError("FileWriteError", "no such volume"));
  await mirror({ volume: aVolume, files: [], occasion: "rotation" }, world.ports, noSignal);
  expect(world.ports.volumes.get(aVolume.targetPath)?.secretsOwed).toBe(true);
  expect(world.events.recorded).toMatchObject([{ reason: "SecretRotationFailed" }]);
  expect(world.metrics.counted).toMatchObject([
    ["secretSynced", { provider: "azure", durationMs: 0, error: { reason: "FileWriteError" } }],
  ]);
});

describe("a Secret that the API server refuses", () => {
  const refusal = new DriverError("PermissionDenied", "forbidden");
  const owed = async (): Promise<boolean | undefined> => {
    await mirror(
      { volume: aVolume, files: contentOf({ password: "p" }).files, occasion: "rotation" },
      world.ports,
      noSignal,
    );
    return world.ports.volumes.get(aVolume.targetPath)?.secretsOwed;
  };
  const later = (seconds: number): void => {
    world.now = new Date(world.now.getTime() + seconds * 1_000);
  };

  test.each([
    ["itself", () => (world.secrets.failure = refusal)],
    ["for its pod", () => (world.pods.read = () => Promise.reject(refusal))],
  ])(
    "(%s) is owed for a minute, since an API server that starts refuses everybody; then it is left to the repair",
    async (_name, refuse) => {
      refuse();
      expect(await owed()).toBe(true);
      later(59);
      expect(await owed()).toBe(true);
      later(1);
      expect(await owed()).toBe(false);
    },
  );

  test("after it was taken is owed anew", async () => {
    world.secrets.failure = refusal;
    expect(await owed()).toBe(true);
    world.secrets.failure = undefined;
    later(120);
    expect(await owed()).toBe(false);
    world.secrets.held.clear();
    world.secrets.failure = refusal;
    expect(await owed()).toBe(true);
  });
});
