import { beforeEach, expect, test } from "vitest";
import { DriverError, type Reason } from "../../../src/errors.ts";
import type { DesiredSecret, LiveSecret } from "../../../src/model.ts";
import type { Secrets } from "../../../src/ports.ts";
import { askOnce } from "../../../src/rotation/ask-once.ts";
import { createFakeSecrets, type FakeSecrets } from "../../fakes/secrets.ts";
import { noSignal } from "../../fakes/volumes.ts";

const ref = { namespace: "shop", name: "db" };
const desired: DesiredSecret = { ref, type: "Opaque", labels: {}, annotations: {}, data: {}, owners: [] };
const live: LiveSecret = { ...desired, uid: "uid", resourceVersion: "1", immutable: false, altered: false };
const noChanges = { labels: {}, annotations: {}, data: {}, owners: [] };
const away = new DriverError("KubernetesUnavailable", "away");

let secrets: FakeSecrets;
let once: Secrets;
let calls: Readonly<Record<"read" | "create" | "patch", () => Promise<unknown>>>;

beforeEach(() => {
  secrets = createFakeSecrets();
  once = askOnce(secrets);
  calls = {
    read: () => once.read(ref, noSignal),
    create: () => once.create(desired, noSignal),
    patch: () => once.patch(live, noChanges, noSignal),
  };
});

test.each(["read", "create", "patch"] as const)(
  "a Secret whose %s was not answered is not asked for again, in no way, and the others are",
  async (first) => {
    secrets.failure = away;
    await expect(calls[first]()).rejects.toBe(away);
    secrets.failure = undefined;
    for (const call of Object.values(calls)) await expect(call()).rejects.toBe(away);
    expect(secrets.calls).toEqual([`${first} shop/db`]);
    expect(await once.read({ ...ref, name: "other" }, noSignal)).toBeUndefined();
  },
);

test.each<Reason>(["PermissionDenied", "InvalidRequest"])("a Secret that failed by %s is", async (reason) => {
  secrets.failure = new DriverError(reason, "no");
  await expect(calls.read()).rejects.toMatchObject({ reason });
  secrets.failure = undefined;
  expect(await calls.create()).toBe("created");
});
