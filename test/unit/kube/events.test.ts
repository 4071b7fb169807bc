import { beforeEach, describe, expect, test } from "vitest";
import type { ApiAnswer, ApiRequest } from "../../../src/kube/api.ts";
import { createEvents, type EventSender } from "../../../src/kube/events.ts";
import type { PodEvent } from "../../../src/model.ts";
import { createFakeLog, type FakeLog } from "../../fakes/log.ts";
import { createFakeMetrics } from "../../fakes/ports.ts";
import { aVolume } from "../../fakes/volumes.ts";

const { pod } = aVolume;
const failure: PodEvent = { type: "Warning", reason: "MountRotationFailed", message: "vault is down" };
const ok: ApiAnswer = { status: 201, body: {} };

let now: Date;
let log: FakeLog;
let requests: ApiRequest[];
let answer: () => Promise<ApiAnswer>;
let events: EventSender;

beforeEach(() => {
  now = new Date("2026-01-01T00:00:00.500Z");
  log = createFakeLog();
  requests = [];
  answer = () => Promise.resolve(ok);
  const call = (request: ApiRequest): Promise<ApiAnswer> => {
    requests.push(request);
    return answer();
  };
  const cluster = { api: { call }, metrics: createFakeMetrics() };
  events = createEvents(cluster, { nodeName: "node-1", clock: () => now, log, retryMs: 1 });
});

const sent = (count: number): Promise<void> => expect.poll(() => requests.length).toBe(count);
const contents = () => requests.map(({ body }) => body?.content as Record<string, unknown>);

describe("an event", () => {
  test("is an object of its pod's namespace, as the established driver writes it, in one request", async () => {
    events.record(pod, failure);
    await sent(1);
    const path =
      /^\/api\/v1\/namespaces\/shop\/events\/(web-0\.[0-9a-f]{16})\?fieldManager=azure-keyvault-csi&force=true$/;
    const [, name] = path.exec(requests[0]?.path ?? "") ?? [];
    expect(requests[0]).toMatchObject({ method: "PATCH", body: { contentType: "application/apply-patch+yaml" } });
    expect(contents()).toEqual([
      {
        apiVersion: "v1",
        kind: "Event",
        metadata: { name, namespace: "shop" },
        involvedObject: { apiVersion: "v1", kind: "Pod", ...pod },
        ...failure,
        source: { component: "csi-secrets-store-rotation", host: "node-1" },
        reportingComponent: "csi-secrets-store-rotation",
        reportingInstance: "node-1",
        firstTimestamp: "2026-01-01T00:00:00Z",
        lastTimestamp: "2026-01-01T00:00:00Z",
        count: 1,
      },
    ]);
  });

  test("of a Secret comes from the established controller", async () => {
    events.record(pod, { ...failure, reason: "FailedToCreateSecret" });
    await sent(1);
    expect(contents()).toMatchObject([{ reportingComponent: "csi-secrets-store-controller" }]);
  });

  test("that comes again is the same object, counted", async () => {
    events.record(pod, failure);
    await sent(1);
    now = new Date("2026-01-01T00:30:00Z");
    events.record(pod, failure);
    await sent(2);
    expect(requests[0]?.path).toBe(requests[1]?.path);
    expect(contents()[1]).toMatchObject({
      count: 2,
      firstTimestamp: "2026-01-01T00:00:00Z",
      lastTimestamp: "2026-01-01T00:30:00Z",
    });
  });

  test("of other words, or of another pod of that name, is another object", async () => {
    events.record(pod, failure);
    events.record(pod, { ...failure, message: "other" });
    events.record({ ...pod, uid: "other" }, failure);
    await sent(3);
    expect(new Set(requests.map(({ path }) => path)).size).toBe(3);
  });

  test("of a pod with the longest name has a name that Kubernetes takes", async () => {
    events.record({ ...pod, name: `${"a".repeat(235)}-${"b".repeat(17)}` }, failure);
    await sent(1);
    const { name } = contents()[0]?.["metadata"] as { name: string };
    expect(name.length).toBeLessThanOrEqual(253);
    expect(name).toMatch(/^a+\.[0-9a-f]{16}$/);
  });
});

describe("while the API server is away", () => {
  test("an event waits, is counted on meanwhile, and is sent when it is back", async () => {
    answer = () => Promise.reject(new Error("away"));
    events.record(pod, failure);
    await expect.poll(() => requests.length).toBeGreaterThan(1);
    events.record(pod, failure);
    const before = requests.length;
    answer = () => Promise.resolve(ok);
    await expect.poll(() => contents().at(-1)?.["count"]).toBe(2);
    expect(requests.length).toBeLessThanOrEqual(before + 2);
    expect(log.lines[0]).toMatch(/^INFO an event could not be sent .*the Kubernetes API cannot be reached/);
  });

  test("no more than 500 wait: the oldest are lost", async () => {
    const back = Promise.withResolvers<ApiAnswer>();
    answer = () => back.promise;
    for (let index = 0; index < 600; index += 1) events.record(pod, { ...failure, message: `fault ${index}` });
    answer = () => Promise.resolve(ok);
    back.resolve(ok);
    await expect.poll(() => contents().at(-1)?.["message"]).toBe("fault 599");
    expect(contents().map(({ message }) => message)).toEqual([
      "fault 0",
      ...Array.from({ length: 500 }, (_, index) => `fault ${index + 100}`),
    ]);
  });

  test("a stop waits for nothing, and afterwards nothing is sent", async () => {
    answer = () => Promise.reject(new Error("away"));
    events.record(pod, failure);
    await expect.poll(() => requests.length).toBeGreaterThan(0);
    await events.stop();
    const before = requests.length;
    events.record(pod, failure);
    await events.stop();
    expect(requests).toHaveLength(before);
  });
});

test.each([403, 404, 422])("an event that is refused with %i is not tried again", async (status) => {
  answer = () => Promise.resolve({ status, body: {} });
  events.record(pod, failure);
  await sent(1);
  events.record(pod, { ...failure, message: "other" });
  await sent(2);
  expect(contents().map(({ message }) => message)).toEqual(["vault is down", "other"]);
});
