import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { DriverError, verdicts, type Reason } from "../../../src/errors.ts";
import type { LiveSecret, OwnerReference, SecretObject, Volume } from "../../../src/model.ts";
import type { Secrets } from "../../../src/ports.ts";
import { createKeyedLock } from "../../../src/sync/keyed-lock.ts";
import { CLASS, MANAGED } from "../../../src/sync/marks.ts";
import { syncSecrets, type SecretOutcome, type SyncPorts } from "../../../src/sync/sync.ts";
import { contentOf, createFakePodStatuses, type FakePodStatuses } from "../../fakes/ports.ts";
import {
  createFakePfx,
  createFakePods,
  createFakeSecrets,
  type FakePods,
  type FakeSecrets,
} from "../../fakes/secrets.ts";
import { aVolume, noSignal } from "../../fakes/volumes.ts";

const owner = (uid: string, name = "web-1"): OwnerReference => ({
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  name,
  uid,
});
const password = { objectName: "password", key: "pw" };
const db: SecretObject = {
  secretName: "db",
  type: "",
  labels: { team: "blue" },
  annotations: {},
  data: [password],
};
const noData = `failed to get data in spc shop/vault for secret`;

let api: FakeSecrets;
let pods: FakePods;
let statuses: FakePodStatuses;

beforeEach(() => {
  api = createFakeSecrets();
  pods = createFakePods();
  statuses = createFakePodStatuses();
  podOf(aVolume, [owner("rs")]);
});

function podOf({ pod }: Volume, owners: readonly OwnerReference[], more: object = {}): void {
  pods.held.set(`${pod.namespace}/${pod.name}`, { uid: pod.uid, owners, ending: false, ...more });
}

interface Wishes {
  readonly objects?: readonly SecretObject[];
  readonly className?: string;
  readonly volume?: Volume;
  readonly password?: string;
  readonly writtenAt?: Date;
  readonly fresh?: boolean;
  readonly ports?: Partial<SyncPorts>;
}

function sync(wishes: Wishes = {}): Promise<readonly SecretOutcome[]> {
  const { objects = [db], className = "vault", volume = aVolume, password = "hunter2" } = wishes;
  const { writtenAt = new Date(0), fresh = true } = wishes;
  const ref = { namespace: "shop", name: className };
  const secretProviderClass = { ref, provider: "azure", parameters: {}, secretObjects: objects };
  const own = { secrets: api, pods, statuses, pfx: createFakePfx(), tokenTypesAllowed: false };
  // Locks of its own: each call is another node.
  const ports = { ...own, locks: createKeyedLock(), backoff: () => Promise.resolve(), ...wishes.ports };
  const { files } = contentOf({ password });
  return syncSecrets({ volume, secretProviderClass, files, writtenAt, fresh }, ports, noSignal);
}

async function outcomes(wishes?: Wishes): Promise<readonly string[]> {
  return (await sync(wishes)).map(({ outcome }) => outcome);
}

function held(name = "db"): LiveSecret | undefined {
  return api.held.get(`shop/${name}`);
}

function writes(): readonly string[] {
  return api.calls.filter((call) => !call.startsWith("read"));
}

/** Whoever asks for the Secret `db` is told this. */
function failing(error: Error): Secrets {
  return { ...api, read: (ref, signal) => (ref.name === "db" ? Promise.reject(error) : api.read(ref, signal)) };
}

/** Each call waits before it does something. */
function paused(secrets: Secrets, pause: () => Promise<unknown>): Secrets {
  return {
    read: (...args) => pause().then(() => secrets.read(...args)),
    create: (...args) => pause().then(() => secrets.create(...args)),
    patch: (...args) => pause().then(() => secrets.patch(...args)),
  };
}

function put(more: Partial<LiveSecret>, name = "db"): void {
  const marked = { labels: { [MANAGED]: "true" }, annotations: {}, owners: [], data: {} };
  const ref = { namespace: "shop", name };
  const live = {
    ref,
    type: "Opaque",
    uid: "there",
    resourceVersion: "0",
    immutable: false,
    altered: false,
    ...marked,
    ...more,
  };
  api.held.set(`shop/${name}`, live);
}

describe("a Secret that is not there", () => {
  test("is created with owners, marks and values, in one write", async () => {
    expect(await sync()).toEqual([{ secretName: "db", outcome: "created" }]);
    expect(held()).toMatchObject({
      ref: { namespace: "shop", name: "db" },
      type: "Opaque",
      labels: { team: "blue", [MANAGED]: "true" },
      annotations: { [CLASS]: "vault" },
      data: { pw: Buffer.from("hunter2") },
      owners: [owner("rs")],
    });
    expect(writes()).toEqual(["create shop/db"]);
  });

  test("comes back when it was deleted", async () => {
    await sync();
    api.held.clear();
    expect(await outcomes()).toEqual(["created"]);
  });
});

describe("a Secret that is there", () => {
  test("is not written when nothing changed", async () => {
    await sync();
    expect(await sync()).toEqual([{ secretName: "db", outcome: "unchanged" }]);
    expect(writes()).toEqual(["create shop/db"]);
  });

  test.each([
    ["patched", "the vault has another value", { password: "new" }],
    ["marked", "the class has another label", { objects: [{ ...db, labels: { team: "red" } }] }],
    ["patched", "the class has another key", { objects: [{ ...db, data: [{ ...password, key: "other" }] }] }],
  ])("is %s when %s", async (outcome, _name, wishes) => {
    await sync();
    expect(await outcomes(wishes)).toEqual([outcome]);
    expect(await outcomes(wishes)).toEqual(["unchanged"]);
  });

  test("and was altered is restored", async () => {
    await sync();
    const before = held();
    put({ ...before, data: { pw: Buffer.from("forged"), more: Buffer.from("x") } });
    expect(await outcomes()).toEqual(["patched"]);
    expect(held()?.data).toEqual({ pw: Buffer.from("hunter2") });
  });

  test("of the established driver is adopted, its owners kept", async () => {
    put({ data: { pw: Buffer.from("hunter2") }, owners: [owner("old")] });
    expect(await outcomes()).toEqual(["marked"]);
    expect(held()).toMatchObject({ annotations: { [CLASS]: "vault" }, owners: [owner("old"), owner("rs")] });
  });
});

describe("a Secret is left alone", () => {
  const unmanaged =
    "Secret shop/db is there already and not managed by this driver: choose another secretName, or delete it, or hand it over with the label secrets-store.csi.k8s.io/managed=true";

  test.each([
    ["that nobody marked", { labels: {} }, unmanaged],
    ["whose mark was taken away", { labels: { [MANAGED]: "false" } }, unmanaged],
    [
      "of another class",
      { annotations: { [CLASS]: "other" } },
      'Secret shop/db mirrors SecretProviderClass "other": choose another secretName, or delete the Secret',
    ],
    [
      "of another type",
      { type: "kubernetes.io/tls" },
      'Secret shop/db has type "kubernetes.io/tls" and is to have type "Opaque", which Kubernetes never changes: delete it, and it will be made anew',
    ],
    [
      "that is immutable and out of date",
      { immutable: true },
      "Secret shop/db is immutable and its values are out of date: delete it, and it will be made anew",
    ],
  ])("%s", async (_name, more, message) => {
    put(more);
    const before = held();
    const error = new DriverError("InvalidRequest", message);
    expect(await sync()).toEqual([{ secretName: "db", outcome: "refused", error }]);
    expect([held(), writes()]).toEqual([before, []]);
  });

  test("except for the owners of one that is immutable and up to date", async () => {
    put({ immutable: true, data: { pw: Buffer.from("hunter2") } });
    expect(await outcomes()).toEqual(["marked"]);
    expect(held()).toMatchObject({ owners: [owner("rs")], immutable: true });
  });
});

describe("owners", () => {
  test("are the pod's, without what only they may say of the pod", async () => {
    podOf(aVolume, [{ ...owner("rs"), controller: true, blockOwnerDeletion: true }]);
    await sync();
    expect(held()?.owners).toEqual([owner("rs")]);
  });

  test("of a bare pod is its status", async () => {
    podOf(aVolume, []);
    statuses.live.set("shop/web-0-shop-vault", { uid: "status", ownerUids: [aVolume.pod.uid] });
    await sync();
    expect(held()?.owners).toEqual([
      {
        apiVersion: "secrets-store.csi.x-k8s.io/v1",
        kind: "SecretProviderClassPodStatus",
        name: "web-0-shop-vault",
        uid: "status",
      },
    ]);
  });

  test.each([
    ["absent", undefined],
    ["that of an earlier pod", { uid: "status", ownerUids: ["another"] }],
  ])("of a bare pod cannot be a status that is %s", async (_name, status) => {
    podOf(aVolume, []);
    if (status) statuses.live.set("shop/web-0-shop-vault", status);
    const [outcome] = await sync();
    expect(outcome?.error?.message).toMatch(/^secretproviderclasspodstatus "web-0-shop-vault", .* is not there yet/);
    expect(outcome).toMatchObject({ outcome: "failed", error: { reason: "KubernetesUnavailable" } });
  });

  test.each([
    ["gone", undefined],
    ["another one of that name", { uid: "another" }],
    ["ending", { ending: true }],
  ])("of a pod that is %s are none: nothing is done", async (_name, more) => {
    if (more) podOf(aVolume, [owner("rs")], more);
    else pods.held.clear();
    expect(await sync()).toEqual([]);
    expect(writes()).toEqual([]);
  });
});

describe("one failure stops no other Secret", () => {
  const other = { ...db, secretName: "other" };

  test.each([
    [{ ...db, secretName: "" }, "", "failed to validate secret object in spc shop/vault, err: secret name is empty"],
    [{ ...db, data: [] }, "db", "failed to validate secret object in spc shop/vault for secret db, err: data is empty"],
    [
      { ...db, type: "kubernetes.io/service-account-token" },
      "db",
      "failed to validate secret object in spc shop/vault for secret db, err: type kubernetes.io/service-account-token",
    ],
    [{ ...db, data: [{ objectName: "x", key: "x" }] }, "db", `${noData} db, err: file matching objectName x not found`],
  ])("of the class: %#", async (broken, secretName, beginning) => {
    const [first, second] = await sync({ objects: [broken, other] });
    expect(first).toMatchObject({ secretName, outcome: "refused", error: { reason: "InvalidRequest" } });
    expect(first?.error?.message.startsWith(beginning)).toBe(true);
    expect(second).toEqual({ secretName: "other", outcome: "created" });
  });

  test("of entries without a name, each told as such", async () => {
    const nameless = { ...db, secretName: "" };
    const told = (await sync({ objects: [nameless, nameless] })).map(({ error }) => error?.message);
    const message = expect.stringContaining("secret name is empty") as string;
    expect(told).toEqual([message, message]);
  });

  test("of the API server", async () => {
    const error = new DriverError("KubernetesUnavailable", "away");
    expect(await sync({ objects: [db, other], ports: { secrets: failing(error) } })).toEqual([
      { secretName: "db", outcome: "failed", error },
      { secretName: "other", outcome: "created" },
    ]);
  });

  test("by a name that is used twice", async () => {
    const [first, second] = await sync({ objects: [db, { ...db, labels: {} }] });
    expect(first?.outcome).toBe("created");
    expect([second?.outcome, second?.error?.message]).toEqual([
      "refused",
      expect.stringContaining("secretName is used twice"),
    ]);
    expect(writes()).toEqual(["create shop/db"]);
  });

  test("where the pod cannot be read, each fails alike", async () => {
    const error = new DriverError("PermissionDenied", "set secrets-store-csi-driver.syncSecret.enabled=true");
    const forbidden = { read: () => Promise.reject(error) };
    expect(await sync({ objects: [db, other], ports: { pods: forbidden } })).toEqual(
      ["db", "other"].map((secretName) => ({ secretName, outcome: "refused", error })),
    );
  });

  test("only what may go by itself is to be tried again", async () => {
    for (const reason of Object.keys(verdicts) as Reason[]) {
      const [first] = await sync({ ports: { secrets: failing(new DriverError(reason, "no")) } });
      const isCurable = reason !== "InvalidRequest" && reason !== "PermissionDenied";
      expect([reason, first?.outcome]).toEqual([reason, isCurable ? "failed" : "refused"]);
    }
  });
});

test("token types are written where they are allowed", async () => {
  const token = { ...db, type: "bootstrap.kubernetes.io/token" };
  expect(await outcomes({ objects: [token], ports: { tokenTypesAllowed: true } })).toEqual(["created"]);
});

test("a class without secretObjects asks nothing of anybody", async () => {
  const pod = { read: () => Promise.reject(new Error("asked")) };
  expect(await sync({ objects: [], ports: { pods: pod } })).toEqual([]);
});

test("a Secret that others change at every try fails, to be tried again", async () => {
  put({});
  const racing = { ...api, patch: () => Promise.resolve("conflict" as const) };
  expect(await sync({ ports: { secrets: racing } })).toMatchObject([{ outcome: "failed", error: { reason: "Busy" } }]);
});

test("what nobody foresaw is thrown", async () => {
  await expect(sync({ ports: { secrets: failing(new TypeError("bug")) } })).rejects.toThrow(TypeError);
});

describe("however replicas interleave", () => {
  const volumes = (count: number): Volume[] =>
    Array.from({ length: count }, (_, index) => ({
      ...aVolume,
      pod: { namespace: "shop", name: `web-${index}`, uid: `pod-${index}` },
    }));

  test("a Secret is created once and its owners are all of theirs", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"), { minLength: 1 }), { minLength: 1, maxLength: 6 }),
        fc.constantFrom("absent", "adopted"),
        async (scheduler, ownersOfPods, start) => {
          api = createFakeSecrets();
          const secrets = paused(api, () => scheduler.schedule(Promise.resolve()));
          if (start === "adopted") put({ owners: [owner("old")] });
          const replicas = volumes(ownersOfPods.length);
          replicas.forEach((volume, index) => {
            podOf(
              volume,
              (ownersOfPods[index] ?? []).map((uid) => owner(uid)),
            );
          });
          const done = Promise.all(replicas.map((volume) => outcomes({ volume, ports: { secrets } })));
          await scheduler.waitFor(done);
          const created = (await done).flat().filter((outcome) => outcome === "created");
          expect(created).toHaveLength(start === "absent" ? 1 : 0);
          const union = new Set([...ownersOfPods.flat(), ...(start === "adopted" ? ["old"] : [])]);
          expect(
            held()
              ?.owners.map(({ uid }) => uid)
              .sort(),
          ).toEqual([...union].sort());
          expect(held()?.data).toEqual({ pw: Buffer.from("hunter2") });
        },
      ),
    );
  });

  test("by what the latest files hold a Secret settles, and no repair takes that back", async () => {
    const holding = fc.record({ second: fc.nat({ max: 5 }), turns: fc.nat({ max: 3 }) });
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(holding, { minLength: 2, maxLength: 5 }),
        async (scheduler, holdings) => {
          api = createFakeSecrets();
          const secrets = paused(api, () => scheduler.schedule(Promise.resolve()));
          const replicas = volumes(holdings.length);
          for (const volume of replicas) podOf(volume, [owner("rs")]);
          // Files of one second are one version of the content here.
          const repair = async (volume: Volume, index: number): Promise<void> => {
            const { second, turns } = holdings[index] ?? { second: 0, turns: 0 };
            const wishes = { volume, password: `v${second}`, writtenAt: new Date(second * 1_000), fresh: false };
            for (let turn = 0; turn <= turns; turn += 1) await sync({ ...wishes, ports: { secrets } });
          };
          await scheduler.waitFor(Promise.all(replicas.map(repair)));
          const latest = Math.max(...holdings.map(({ second }) => second));
          expect(held()?.data).toEqual({ pw: Buffer.from(`v${latest}`) });
        },
      ),
    );
  });

  test("no Secret that is not managed is ever written, whoever takes its label away meanwhile", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.nat({ max: 8 }), async (scheduler, when) => {
        const wrote: (string | undefined)[] = [];
        const pause = (): Promise<unknown> => scheduler.schedule(Promise.resolve());
        api = createFakeSecrets();
        put({});
        const secrets = paused(api, pause);
        const watched = {
          ...secrets,
          patch: async (...args: Parameters<typeof api.patch>) => {
            const result = await secrets.patch(...args);
            if (result === "patched") wrote.push(held()?.labels[MANAGED]);
            return result;
          },
        };
        const takeOver = async (): Promise<void> => {
          for (let turn = 0; turn < when; turn += 1) await pause();
          put({ labels: {}, uid: "theirs", resourceVersion: "theirs", owners: [], data: {} });
        };
        const replicas = volumes(3);
        for (const volume of replicas) podOf(volume, [owner(volume.pod.uid)]);
        const ports = { secrets: watched };
        await scheduler.waitFor(Promise.all([takeOver(), ...replicas.map((volume) => sync({ volume, ports }))]));
        expect(wrote.every((label) => label === "true")).toBe(true);
        expect(held()).toMatchObject({ uid: "theirs", resourceVersion: "theirs", owners: [], data: {} });
      }),
    );
  });
});
