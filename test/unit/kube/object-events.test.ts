import { expect, test } from "vitest";
import { createObjectEvents } from "../../../src/kube/object-events.ts";
import { createFakeCluster } from "../../fakes/cluster.ts";
import { createFakeLog } from "../../fakes/log.ts";

const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "reconciler", namespace: "kube-system", uid: "u1" },
};
const clock = (): Date => new Date("2026-01-02T03:04:05.678Z");
const { signal } = new AbortController();

test("an event is told at the object, once, with a message that the API server takes", async () => {
  const cluster = createFakeCluster({ status: 201, body: {} });
  const events = createObjectEvents(cluster, { clock, log: createFakeLog(), signal });
  events.record(deployment, { type: "Normal", reason: "Restored", message: "x".repeat(2_000) });
  await expect.poll(() => cluster.counted).toEqual([{ verb: "create", resource: "events", code: 201 }]);
  expect(cluster.requests).toMatchObject([
    {
      method: "POST",
      path: "/api/v1/namespaces/kube-system/events",
      body: {
        content: {
          metadata: { namespace: "kube-system", name: expect.stringMatching(/^reconciler\.[0-9a-f-]{36}$/) as string },
          involvedObject: { kind: "Deployment", namespace: "kube-system", name: "reconciler", uid: "u1" },
          type: "Normal",
          reason: "Restored",
          message: "x".repeat(1_024),
          firstTimestamp: "2026-01-02T03:04:05Z",
          count: 1,
        },
      },
    },
  ]);
});

test("an event that cannot be sent is a matter of the log", async () => {
  const log = createFakeLog();
  const cluster = createFakeCluster({ status: 403, body: {} });
  const events = createObjectEvents(cluster, { clock, log, signal });
  events.record(deployment, { type: "Normal", reason: "Restored", message: "x" });
  await expect.poll(() => log.lines).toEqual([expect.stringMatching(/^INFO an event could not be sent .*Restored/)]);
});
