import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DesiredSecret, LiveSecret, SecretChanges, SecretObject } from "../../../src/model.ts";
import { changesOf } from "../../../src/sync/changes.ts";
import { CLASS, MANAGED, marksOf, WRITTEN_AT } from "../../../src/sync/marks.ts";
import { createFakeSecrets } from "../../fakes/secrets.ts";
import { noSignal } from "../../fakes/volumes.ts";

const ref = { namespace: "shop", name: "db" };
const owner = (uid: string) => ({ apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid });
const at = (minute: number): Date => new Date(Date.UTC(2026, 0, 1, 0, minute));
const bytes = (text: string): Uint8Array => Buffer.from(text);

function secretOf(fields: Partial<SecretObject>, more: Partial<DesiredSecret> = {}): DesiredSecret {
  const object = { secretName: "db", type: "", labels: {}, annotations: {}, data: [], ...fields };
  return {
    ref,
    type: "Opaque",
    data: { a: bytes("1") },
    owners: [owner("rs")],
    ...marksOf(object, "vault", at(1)),
    ...more,
  };
}

function liveOf(desired: DesiredSecret, more: Partial<LiveSecret> = {}): LiveSecret {
  return { ...desired, uid: "u", resourceVersion: "1", immutable: false, altered: false, ...more };
}

function changes(live: LiveSecret, desired: DesiredSecret, fresh = true): SecretChanges | undefined {
  return changesOf(live, { desired, fresh });
}

const none = { labels: {}, annotations: {}, data: {}, owners: [] };

describe("a Secret that is as desired", () => {
  test("needs no change", () => {
    const desired = secretOf({ labels: { team: "blue" }, annotations: { note: "x" } });
    expect(changes(liveOf(desired), desired)).toBeUndefined();
  });

  test("may have labels, annotations and owners of others", () => {
    const desired = secretOf({});
    const live = liveOf(desired, {
      labels: { ...desired.labels, theirs: "1" },
      annotations: { ...desired.annotations, theirs: "1" },
      owners: [owner("other"), ...desired.owners],
    });
    expect(changes(live, desired)).toBeUndefined();
  });

  test("has its owners by UID: an old one of the same name does not count", () => {
    const desired = secretOf({});
    expect(changes(liveOf(desired, { owners: [owner("dead")] }), desired)).toEqual({
      ...none,
      owners: [owner("rs")],
    });
  });
});

test.each([
  ["another value", { a: bytes("2") }, { a: bytes("1") }],
  ["a value that is missing", {}, { a: bytes("1") }],
  ["a key that the class does not name", { a: bytes("1"), b: bytes("2") }, { b: null }],
])("values follow the class: %s", (_name, data, expected) => {
  const written = { [WRITTEN_AT]: "2026-01-01T00:01:00Z" };
  expect(changes(liveOf(secretOf({}), { data }), secretOf({}))).toEqual({
    ...none,
    data: expected,
    annotations: written,
  });
});

test("labels and annotations follow the class, and those of others stay", () => {
  const before = secretOf({ labels: { team: "blue", old: "1" }, annotations: { note: "x", gone: "1" } });
  const live = liveOf(before, { labels: { ...before.labels, theirs: "1" } });
  const found = changes(live, secretOf({ labels: { team: "red" }, annotations: { note: "x" } }));
  expect(found?.labels).toEqual({ old: null, team: "red" });
  expect(found?.annotations).toMatchObject({ gone: null });
  expect(found?.annotations).not.toHaveProperty("note");
});

test("where the class names no label and no annotation any more, nothing of it is left", () => {
  const live = liveOf(secretOf({ labels: { team: "blue" } }));
  const desired = secretOf({});
  const gone = Object.keys(live.annotations).filter((key) => !Object.hasOwn(desired.annotations, key));
  expect(gone).toHaveLength(1);
  expect(changes(live, desired)).toEqual({ ...none, labels: { team: null }, annotations: { [gone[0] ?? ""]: null } });
});

test("a Secret of the established driver is adopted by an annotation, nothing else changes", () => {
  const desired = secretOf({ labels: { team: "blue" } });
  const live = liveOf(desired, { annotations: {}, labels: { team: "blue", [MANAGED]: "true" } });
  expect(changes(live, desired)).toMatchObject({
    labels: {},
    data: {},
    owners: [],
    annotations: { [CLASS]: "vault" },
  });
});

describe("values of files of several ages", () => {
  const of = (text: string, minute: number): DesiredSecret => {
    const { annotations } = marksOf(
      { secretName: "", type: "", labels: {}, annotations: {}, data: [] },
      "vault",
      at(minute),
    );
    return secretOf({}, { data: { a: bytes(text) }, annotations });
  };

  test.each([
    ["earlier files, which are kept", 1, false, {}],
    ["earlier files, which the vault holds now again", 1, true, { a: bytes("one") }],
    ["files of the same second", 2, false, { a: bytes("one") }],
    ["later files", 3, false, { a: bytes("one") }],
  ])("of a Secret of minute 2 are replaced by those of %s, or not", (_name, minute, fresh, data) => {
    const found = changes(liveOf(of("two", 2)), of("one", minute), fresh);
    expect(found?.data ?? {}).toEqual(data);
    expect(found?.annotations[WRITTEN_AT]).toBe(found && `2026-01-01T00:0${minute}:00Z`);
  });

  test.each([
    ["that somebody altered", { altered: true }],
    ["without one of its values", { data: {} }],
  ])("of a Secret %s are replaced by those of earlier files", (_name, more) => {
    const found = changes(liveOf(of("two", 2), more), of("one", 1), false);
    expect(found).toMatchObject({ data: { a: bytes("one") }, annotations: { [WRITTEN_AT]: "2026-01-01T00:01:00Z" } });
  });

  test("of earlier files keep nobody from becoming an owner, or from labels", () => {
    const live = liveOf(of("two", 2), { owners: [owner("other")] });
    expect(changes(live, of("one", 1), false)).toEqual({ ...none, owners: [owner("rs")] });
  });

  test("are dated anew only where they change", () => {
    expect(changes(liveOf(of("one", 1)), of("one", 2))).toBeUndefined();
  });

  test.each(["", "soon"])("are older than any where the date is '%s'", (date) => {
    const live = liveOf(of("two", 2));
    const undated = { ...live, annotations: { ...live.annotations, [WRITTEN_AT]: date } };
    expect(changes(undated, of("one", 1), false)?.data).toEqual({ a: bytes("one") });
  });
});

test("what a class says of the driver's own marks does not count", () => {
  const { labels, annotations } = secretOf({ labels: { [MANAGED]: "false" }, annotations: { [CLASS]: "other" } });
  expect([labels[MANAGED], annotations[CLASS]]).toEqual(["true", "vault"]);
});

test("whatever a class said before and says now: after the changes none is left, and nothing of others is lost", async () => {
  const names = fc.constantFrom("a", "b", "example.org/c", "__proto__");
  const map = fc.array(fc.tuple(names, fc.constantFrom("1", "2"))).map((entries) => Object.fromEntries(entries));
  const object = fc.record({ labels: map, annotations: map });
  const values = map.map((texts) => Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, bytes(text)])));
  await fc.assert(
    fc.asyncProperty(object, object, values, values, async (before, now, dataBefore, dataNow) => {
      const theirs = { "their/mark": "x" };
      const first = secretOf(before, { data: dataBefore });
      const live = liveOf(first, { labels: { ...first.labels, ...theirs }, owners: [owner("other")] });
      const secrets = createFakeSecrets();
      secrets.held.set("shop/db", live);
      const desired = secretOf(now, { data: dataNow });
      const found = changes(live, desired);
      if (found !== undefined) await secrets.patch(live, found, noSignal);
      const after = secrets.held.get("shop/db") ?? live;
      expect(changes(after, desired)).toBeUndefined();
      expect(after.labels).toEqual({ ...desired.labels, ...theirs });
      expect(after.annotations).toEqual(desired.annotations);
      expect(after.data).toEqual(desired.data);
      expect(after.owners.map(({ uid }) => uid).sort()).toEqual(["other", "rs"]);
    }),
  );
});
