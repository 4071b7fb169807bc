import { expect, test } from "vitest";
import { DriverError, type Reason } from "../../../src/errors.ts";
import type { DesiredSecret } from "../../../src/model.ts";
import { bringAbout, type SecretPorts } from "../../../src/sync/bring-about.ts";
import { createKeyedLock } from "../../../src/sync/keyed-lock.ts";
import { MANAGED } from "../../../src/sync/marks.ts";
import { createFakeSecrets } from "../../fakes/secrets.ts";
import { noSignal } from "../../fakes/volumes.ts";

const ref = { namespace: "shop", name: "db" };

function wanted(uid = "rs"): { readonly desired: DesiredSecret; readonly fresh: boolean } {
  const owners = [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid }];
  const data = { pw: Buffer.from("hunter2") };
  return {
    desired: { ref, type: "Opaque", labels: { [MANAGED]: "true" }, annotations: {}, data, owners },
    fresh: true,
  };
}

/** Ports of one node. */
function node(
  more: Partial<SecretPorts> = {},
): SecretPorts & { readonly secrets: ReturnType<typeof createFakeSecrets> } {
  const secrets = createFakeSecrets();
  return { locks: createKeyedLock(), backoff: () => Promise.resolve(), ...more, secrets };
}

test("where others are faster at each of ten tries it is Busy, and before each new try there is a pause", async () => {
  const pauses: number[] = [];
  const ports = node({ backoff: (tries) => Promise.resolve(void pauses.push(tries)) });
  const secrets = { ...ports.secrets, create: () => Promise.resolve("exists" as const) };
  await expect(bringAbout(wanted(), { ...ports, secrets }, noSignal)).rejects.toMatchObject({ reason: "Busy" });
  expect(pauses).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("one node comes to a Secret once at a time: forty owners at once conflict with none", async () => {
  const ports = node({ backoff: () => Promise.reject(new Error("somebody was faster")) });
  const uids = Array.from({ length: 40 }, (_, index) => `rs-${index}`);
  await Promise.all(uids.map((uid) => bringAbout(wanted(uid), ports, noSignal)));
  expect(ports.secrets.held.get("shop/db")?.owners.map(({ uid }) => uid)).toEqual(uids);
});

test.each<[Reason, number]>([
  ["KubernetesUnavailable", 1],
  ["DeadlineExceeded", 1],
  ["PermissionDenied", 3],
])("a failure by %s, while three wait for a Secret, is found out %i times", async (reason, times) => {
  const ports = node();
  ports.secrets.failure = new DriverError(reason, "why");
  const asked = [1, 2, 3].map(() => bringAbout(wanted(), ports, noSignal));
  for (const each of asked) await expect(each).rejects.toMatchObject({ reason });
  expect(ports.secrets.calls).toHaveLength(times);
});

test("Secrets of other names wait for nobody", async () => {
  const ports = node();
  const never = { ...ports.secrets, read: () => new Promise<undefined>(() => undefined) };
  void bringAbout(wanted(), { ...ports, secrets: never }, noSignal);
  const other = { desired: { ...wanted().desired, ref: { ...ref, name: "other" } }, fresh: true };
  expect(await bringAbout(other, ports, noSignal)).toEqual({ outcome: "created" });
});
