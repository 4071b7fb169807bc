import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { nmiSource } from "../../../../src/provider/azure/pod-identity.ts";
import { customCloud } from "../../../fakes/azure-means.ts";

const cloud = customCloud("https://login.example/", "vault.example:8443");
const pod = { namespace: "shop", name: "web-1", uid: "u1" };
const good = { token: { access_token: "t1", expires_on: "1700000000" }, clientid: "c1" };

let server: Server | undefined;
const seen: IncomingMessage[] = [];
afterEach(async () => {
  server?.closeAllConnections();
  await server?.[Symbol.asyncDispose]();
  server = undefined;
  seen.length = 0;
});

async function listen(answer: RequestListener): Promise<string> {
  const started = createServer((request, response) => {
    seen.push(request);
    answer(request, response);
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  return `http://localhost:${(started.address() as AddressInfo).port}`;
}

async function ask(answer: RequestListener, timeoutMs = 5_000) {
  return nmiSource({ kind: "pod", cloud, pod }, { url: await listen(answer), timeoutMs })("https://ignored/.default");
}

const respond =
  (status: number, body: unknown): RequestListener =>
  (_, response) =>
    response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));

describe("nmiSource()", () => {
  test("names the pod and, as it is, the cloud's Key Vault without its slash", async () => {
    expect(await ask(respond(200, good))).toEqual({ token: "t1", expiresOnTimestamp: 1_700_000_000_000 });
    expect(seen.map(({ method, url }) => [method, url])).toEqual([
      ["GET", "/host/token/?resource=https://vault.example:8443"],
    ]);
    expect(seen[0]?.headers).toMatchObject({ podns: "shop", podname: "web-1" });
  });
  test.each([
    [1_700_000_000, 1_700_000_000_000],
    ["1700000000", 1_700_000_000_000],
    [null, -3_600_000],
    [undefined, -3_600_000],
  ])("expires_on %j is %i ms", async (expires_on, expiresOnTimestamp) => {
    const answer = { ...good, token: { ...good.token, expires_on } };
    expect(await ask(respond(200, answer))).toMatchObject({ expiresOnTimestamp });
  });
  const missing = "nmi did not return expected values in response: token and clientid";
  const untimed = "nmi response is no token with an expires_on that is a number";
  test.each([
    [{ ...good, clientid: "" }, missing],
    [{ ...good, token: { expires_on: "1" } }, missing],
    [{}, missing],
    ["hunter2", missing],
    [JSON.stringify(good).padEnd(70_000), missing],
    [{ ...good, token: { ...good.token, expires_on: "" } }, untimed],
    [{ ...good, token: { ...good.token, expires_on: "soon" } }, untimed],
    [{ ...good, token: { ...good.token, expires_on: {} } }, untimed],
  ])("the answer %j is refused", async (body, message) => {
    await expect(ask(respond(200, body))).rejects.toMatchObject({ reason: "ProviderError", message });
  });
  test.each([
    [404, "PermissionDenied"],
    [403, "PermissionDenied"],
    [302, "PermissionDenied"],
    [429, "Throttled"],
    [500, "ProviderUnavailable"],
  ])("a %i is %s; what it says is not shown", async (status, reason) => {
    await expect(ask(respond(status, "hunter2"))).rejects.toMatchObject({
      reason,
      message: `nmi response failed with status code: ${status}, response body: (not shown): check that an AzureIdentityBinding selects the pod, and that its AzureIdentity is assigned to the node`,
    });
  });
  test("a daemon that does not answer in time is told so", async () => {
    const answer: RequestListener = () => undefined;
    await expect(ask(answer, 50)).rejects.toMatchObject({
      reason: "ProviderUnavailable",
      message: expect.stringContaining("does not answer: pod identity needs aad-pod-identity on this node") as string,
    });
  });
  test("no daemon is told so", async () => {
    const source = nmiSource({ kind: "pod", cloud, pod }, { url: "http://localhost:1", timeoutMs: 1_000 });
    await expect(source("s")).rejects.toMatchObject({
      reason: "ProviderUnavailable",
      message: expect.stringMatching(/^nmi at http:\/\/localhost:1 cannot be reached: /) as string,
    });
  });
  test("a daemon that hangs in the middle of its answer is told so", async () => {
    const answer: RequestListener = (_, response) => {
      response.writeHead(200, { "content-length": "100" }).write("{");
    };
    await expect(ask(answer, 50)).rejects.toMatchObject({
      reason: "ProviderUnavailable",
      message: expect.stringContaining("does not answer: pod identity needs aad-pod-identity on this node") as string,
    });
  });
  const breakOff: RequestListener = (_, response) => {
    response.writeHead(200, { "content-length": "100" }).write("{");
    setImmediate(() => response.destroy());
  };
  const drop: RequestListener = (request) => request.socket.destroy();
  test.each([
    ["before it answered", drop],
    ["in the middle of its answer", breakOff],
  ])("a daemon that breaks the connection %s can be reached all the same", async (_, answer) => {
    await expect(ask(answer)).rejects.toMatchObject({
      reason: "ProviderUnavailable",
      message: expect.stringMatching(
        /^nmi at http:\/\/localhost:\d+ broke the connection: the next attempt comes by itself$/,
      ) as string,
    });
  });
});
