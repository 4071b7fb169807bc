import { beforeEach, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import type { DesiredSecret } from "../../../src/model.ts";
import { shareReads } from "../../../src/rotation/shared-reads.ts";
import type { Secrets } from "../../../src/ports.ts";
import { createFakeSecrets, type FakeSecrets } from "../../fakes/secrets.ts";
import { noSignal } from "../../fakes/volumes.ts";

const ref = { namespace: "shop", name: "db" };
const other = { namespace: "shop", name: "other" };
const secret: DesiredSecret = { ref, type: "Opaque", labels: {}, annotations: {}, data: {}, owners: [] };

let elapsedMs: number;
let secrets: FakeSecrets;
let shared: Secrets;

beforeEach(() => {
  elapsedMs = 0;
  secrets = createFakeSecrets();
  shared = shareReads(secrets, { elapsed: () => elapsedMs, signal: noSignal });
});

const read = () => shared.read(ref, noSignal);

test("who asks at about the same time has the same answer", async () => {
  await Promise.all([read(), read()]);
  elapsedMs = 1_999;
  await read();
  await shared.read(other, noSignal);
  expect(secrets.calls).toEqual(["read shop/db", "read shop/other"]);
});

test("an answer serves nobody after 2 s", async () => {
  await read();
  elapsedMs = 2_000;
  await read();
  expect(secrets.calls).toHaveLength(2);
});

test("after a write everybody sees what was written", async () => {
  expect(await read()).toBeUndefined();
  await shared.create(secret, noSignal);
  const live = await read();
  expect(live?.ref).toEqual(ref);
  if (live) await shared.patch(live, { labels: { a: "b" }, annotations: {}, data: {}, owners: [] }, noSignal);
  expect((await read())?.labels).toEqual({ a: "b" });
});

test("a failure serves nobody who asks later", async () => {
  secrets.failure = new DriverError("KubernetesUnavailable", "away");
  await expect(read()).rejects.toThrow("away");
  secrets.failure = undefined;
  expect(await read()).toBeUndefined();
});

test("a write that fails may have been done: the next read is a new one", async () => {
  await read();
  secrets.failure = new DriverError("KubernetesUnavailable", "away");
  await expect(shared.create(secret, noSignal)).rejects.toThrow("away");
  secrets.failure = undefined;
  await read();
  expect(secrets.calls).toEqual(["read shop/db", "create shop/db", "read shop/db"]);
});
