import { afterEach, expect, test } from "vitest";
import { createKubernetesApi, type KubernetesApi } from "../../../src/kube/api.ts";
import { startFakeAzure, type FakeAnswer, type FakeAzureServer } from "../../fakes/azure-server.ts";
import { noSignal } from "../../fakes/volumes.ts";

const servers: FakeAzureServer[] = [];

/** An API server on this machine that gives the answers in turn, the last one again and again. */
async function serve(...answers: FakeAnswer[]): Promise<{ api: KubernetesApi; server: FakeAzureServer }> {
  const left = [...answers];
  const server = await startFakeAzure(() => (left.length > 1 ? left.shift() : left[0]) ?? "never");
  servers.push(server);
  const access = {
    server: new URL(`https://api.azure.test:${server.port}`),
    authorize: () => Promise.resolve({ agent: server.agent, headers: { authorization: "Bearer token" } }),
  };
  return { server, api: createKubernetesApi(access, "driver/1") };
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

const get = { method: "GET", path: "/apis/x" } as const;

test("a read proves who asks and wants JSON", async () => {
  const { api, server } = await serve({ status: 200, body: { a: 1 } });
  expect(await api.call(get, noSignal)).toEqual({ status: 200, body: { a: 1 } });
  expect(server.seen).toMatchObject([
    {
      method: "GET",
      url: "/apis/x",
      body: "",
      headers: { authorization: "Bearer token", accept: "application/json", "user-agent": "driver/1" },
    },
  ]);
});

test("a patch carries its content under its own type", async () => {
  const { api, server } = await serve({ status: 200 });
  const body = { contentType: "application/apply-patch+yaml", content: { kind: "Ü" } };
  await api.call({ method: "PATCH", path: "/apis/x?force=true", body }, noSignal);
  expect(server.seen).toMatchObject([
    { method: "PATCH", url: "/apis/x?force=true", body: '{"kind":"Ü"}', headers: { "content-type": body.contentType } },
  ]);
});

test("a delete says how long its content is, which would be the next request's otherwise", async () => {
  const { api, server } = await serve({ status: 200 });
  const body = { contentType: "application/json", content: { kind: "DeleteOptions" } };
  await api.call({ method: "DELETE", path: "/apis/x", body }, noSignal);
  expect(await api.call(get, noSignal)).toMatchObject({ status: 200 });
  expect(server.seen).toMatchObject([
    { method: "DELETE", body: '{"kind":"DeleteOptions"}', headers: { "content-length": "24" } },
    { method: "GET" },
  ]);
});

test("an answer that is no JSON has no body", async () => {
  const { api } = await serve({ status: 502, body: "<html>" });
  expect(await api.call(get, noSignal)).toEqual({ status: 502, body: undefined });
});

test("a kept connection that the server closed is replaced once", async () => {
  const { api, server } = await serve({ status: 200 }, "reset", { status: 201 });
  await api.call(get, noSignal);
  expect(await api.call(get, noSignal)).toMatchObject({ status: 201 });
  expect(server.seen).toHaveLength(3);
});

test("a new connection that is reset is a failure", async () => {
  const { api, server } = await serve("reset");
  await expect(api.call(get, noSignal)).rejects.toMatchObject({ code: "ECONNRESET" });
  expect(server.seen).toHaveLength(1);
});

test("the caller's signal ends a call that nobody answers", async () => {
  const { api, server } = await serve("never");
  const leaver = new AbortController();
  const call = expect(api.call(get, leaver.signal)).rejects.toMatchObject({ name: "AbortError" });
  await expect.poll(() => server.seen.length).toBe(1);
  leaver.abort();
  await call;
});
