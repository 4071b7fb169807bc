import { expect, test } from "vitest";
import { ask } from "../../../src/kube/ask.ts";
import { createFakeCluster } from "../../fakes/cluster.ts";
import { noSignal } from "../../fakes/volumes.ts";

const subject = { resource: "things.example.org", ref: { namespace: "shop", name: "a" } };

test.each([
  ["GET", 200, "get"],
  ["GET", 404, "get"],
  ["GET", 403, "get"],
  ["PATCH", 200, "patch"],
  ["PATCH", 201, "create"],
  ["PATCH", 403, "patch"],
  ["POST", 201, "create"],
  ["POST", 409, "create"],
] as const)("%s answered %i is counted as %s", async (method, status, verb) => {
  const cluster = createFakeCluster({ status, body: {} });
  await ask(cluster, { method, path: "/things/a" }, subject, noSignal).catch(() => undefined);
  expect(cluster.counted).toEqual([{ verb, resource: "things.example.org", code: status }]);
});

test("a request without an answer is counted with code 0", async () => {
  const cluster = createFakeCluster(new Error("refused"));
  await expect(ask(cluster, { method: "GET", path: "/things/a" }, subject, noSignal)).rejects.toThrow("reached");
  expect(cluster.counted).toEqual([{ verb: "get", resource: "things.example.org", code: 0 }]);
});

test.each([
  ["who leaves is told that it was his own deadline", AbortSignal.abort(), "DeadlineExceeded", "the caller's deadline"],
  [
    "who set a limit is told that the API is away",
    AbortSignal.abort(new DOMException("late", "TimeoutError")),
    "KubernetesUnavailable",
    "(no answer in time)",
  ],
])("%s", async (_name, signal, reason, words) => {
  const cluster = createFakeCluster(new DOMException("aborted", "AbortError"));
  const asked = ask(cluster, { method: "GET", path: "/things/a" }, subject, signal);
  await expect(asked).rejects.toMatchObject({ reason, message: expect.stringContaining(words) as string });
});
