import { beforeEach, describe, expect, test } from "vitest";
import { DriverError, verdicts, type Reason } from "../../../src/errors.ts";
import { CLASS, MANAGED } from "../../../src/sync/marks.ts";
import {
  api,
  db,
  failing,
  held,
  noData,
  outcomes,
  owner,
  password,
  podOf,
  pods,
  put,
  statuses,
  sync,
  writes,
  reset,
} from "../../fakes/secret-sync.ts";
import { aVolume } from "../../fakes/volumes.ts";

beforeEach(reset);

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

  test("of the API server, of which it is told what it was about", async () => {
    const away = new DriverError("KubernetesUnavailable", "away");
    const error = new DriverError("KubernetesUnavailable", "secret shop/db: away");
    expect(await sync({ objects: [db, other], ports: { secrets: failing(away) } })).toEqual([
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

test("what nobody foresaw is thrown", async () => {
  await expect(sync({ ports: { secrets: failing(new TypeError("bug")) } })).rejects.toThrow(TypeError);
});
