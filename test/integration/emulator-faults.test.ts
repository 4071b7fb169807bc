import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startEmulator, type Emulator } from "../../src/emulator/emulator.ts";
import { createFaultPlan } from "../../src/emulator/fault-plan.ts";
import type { Vault } from "../../src/emulator/vault.ts";

let dir: string;
let emulator: Emulator;
let vault: Vault;
let agent: Agent;
let ca: string;
let token: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "akv-emulator-"));
  emulator = await startEmulator({ dir, ports: { entra: 0, vault: 0, kubernetes: 0 } });
  ca = await readFile(join(dir, "ca.pem"), "utf8");
  agent = new Agent({ ca, keepAlive: true });
  const { tenantId, demo, vaultSuffix } = emulator.settings;
  token = await emulator.entra.issue({ app: { tenantId, ...demo }, resource: `https://${vaultSuffix}` });
  vault = emulator.vaults.named("demo-vault");
  vault.setSecret("a", "value");
});

beforeEach(() => {
  vault.behave();
  vault.tally.reset();
  emulator.entra.behave();
  emulator.entra.tally.reset();
});

afterAll(async () => {
  agent.destroy();
  await emulator.stop();
  await rm(dir, { recursive: true, force: true });
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A request of a real client, as far as its status line. */
async function open(url: string, through = agent, signal?: AbortSignal): Promise<IncomingMessage> {
  const headers = { authorization: `Bearer ${token}` };
  const sent = request(url, { agent: through, headers, ...(signal ? { signal } : {}) }).end();
  const [incoming] = (await once(sent, "response")) as [IncomingMessage];
  return incoming;
}

async function ask(url: string, through = agent): Promise<Answer> {
  const incoming = await open(url, through);
  return { status: incoming.statusCode, headers: incoming.headers, body: await text(incoming) };
}

const secretUrl = (name = "a", of = "demo-vault"): string =>
  `https://${of}.${emulator.settings.vaultSuffix}/secrets/${name}/?api-version=7.4`;
const keysUrl = (): string => `${emulator.settings.entraUrl}/${emulator.settings.tenantId}/discovery/v2.0/keys`;

async function statuses(count: number): Promise<(number | undefined)[]> {
  const seen = [];
  for (let n = 0; n < count; n += 1) seen.push((await ask(secretUrl())).status);
  return seen;
}

/** A command of another process. */
async function control(method: string, path: string, fault?: unknown): Promise<{ status: number; body: string }> {
  const body = fault === undefined ? {} : { body: typeof fault === "string" ? fault : JSON.stringify(fault) };
  const response = await fetch(emulator.settings.controlUrl + path, { method, ...body });
  return { status: response.status, body: await response.text() };
}

/** Waits without a clock until something that other connections do has happened. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}

describe("a vault that throttles", () => {
  test("answers 429 in Key Vault's words until told otherwise", async () => {
    vault.misbehave({ kind: "refuse", status: 429 });
    const { status, headers, body } = await ask(secretUrl());
    expect([status, headers["retry-after"], JSON.parse(body)]).toEqual([
      429,
      undefined,
      {
        error: {
          code: "Throttled",
          message:
            "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached",
        },
      },
    ]);
    expect(await statuses(2)).toEqual([429, 429]);
    vault.behave();
    expect(await statuses(1)).toEqual([200]);
    expect(vault.tally.counters()).toEqual({
      requests: 4,
      challenges: 0,
      peakInFlight: 1,
      answers: { "GET /secrets/a/ 429": 3, "GET /secrets/a/ 200": 1 },
    });
  });

  test("says in seconds when to come again", async () => {
    vault.misbehave({ kind: "refuse", status: 429, retryAfterS: 7 });
    expect((await ask(secretUrl())).headers["retry-after"]).toBe("7");
  });

  test("says as a date when to come again", async () => {
    vault.misbehave({ kind: "refuse", status: 429, retryAfterS: 60, retryAfterAs: "date" });
    const before = Date.now();
    const { headers } = await ask(secretUrl());
    const date = headers["retry-after"] ?? "";
    expect(new Date(date).toUTCString()).toBe(date);
    // An HTTP date has no milliseconds.
    expect(Date.parse(date)).toBeGreaterThan(before + 59_000 - 1);
    expect(Date.parse(date)).toBeLessThanOrEqual(Date.now() + 60_000);
  });

  test("answers no more requests a second than it was told, and 429 to the others", async () => {
    vault.misbehave({ kind: "refuse", status: 429, abovePerSecond: 2 });
    const start = performance.now();
    const seen = await Promise.all(Array.from({ length: 20 }, () => ask(secretUrl())));
    const seconds = Math.floor((performance.now() - start) / 1000) + 1;
    const answered = seen.filter(({ status }) => status === 200).length;
    expect(answered).toBeGreaterThanOrEqual(2);
    expect(answered).toBeLessThanOrEqual(2 * seconds);
    expect(vault.tally.counters().answers["GET /secrets/a/ 429"] ?? 0).toBe(20 - answered);
  });

  test("leaves the other vaults alone", async () => {
    vault.misbehave({ kind: "refuse", status: 429 });
    expect((await ask(secretUrl("a", "other-vault"))).status).toBe(403);
  });
});

describe("a vault that fails", () => {
  test.each([
    { status: 500, code: "InternalServerError" },
    { status: 503, code: "ServiceUnavailable" },
  ])("answers the next requests with $status and Key Vault's body", async ({ status, code }) => {
    vault.misbehave({ kind: "refuse", status, requests: 2 });
    const { body } = await ask(secretUrl());
    expect(JSON.parse(body)).toMatchObject({ error: { code } });
    expect(await statuses(2)).toEqual([status, 200]);
  });

  test("breaks the connection before it answers, and takes new ones", async () => {
    vault.misbehave({ kind: "drop", requests: 2 });
    await expect(ask(secretUrl())).rejects.toMatchObject({ code: "ECONNRESET" });
    await expect(ask(secretUrl())).rejects.toMatchObject({ code: "ECONNRESET", syscall: "read" });
    expect(await statuses(1)).toEqual([200]);
    expect(vault.tally.counters()).toMatchObject({
      requests: 3,
      answers: { "GET /secrets/a/ dropped": 2, "GET /secrets/a/ 200": 1 },
    });
  });

  test("sends half of an answer and breaks the connection", async () => {
    const whole = await ask(secretUrl());
    vault.misbehave({ kind: "half", requests: 1 });
    const incoming = await open(secretUrl());
    let body = "";
    const reading = (async () => {
      for await (const chunk of incoming.setEncoding("utf8")) body += chunk as string;
    })();
    await expect(reading).rejects.toMatchObject({ code: "ECONNRESET" });
    expect([incoming.statusCode, incoming.headers["content-length"]]).toEqual([200, String(whole.body.length)]);
    expect(body).toBe(whole.body.slice(0, whole.body.length / 2));
    expect(vault.tally.counters().answers).toEqual({ "GET /secrets/a/ 200": 1, "GET /secrets/a/ 200 cut off": 1 });
  });

  test("never answers, and counts those that wait until they leave", async () => {
    vault.misbehave({ kind: "hang", requests: 2 });
    const leaving = new AbortController();
    const waiting = [1, 2].map(() => open(secretUrl(), agent, leaving.signal));
    await until(() => vault.tally.counters().peakInFlight === 2);
    expect(await statuses(1)).toEqual([200]);
    expect(vault.tally.counters()).toMatchObject({ requests: 1, peakInFlight: 3 });
    leaving.abort();
    for (const request of waiting) await expect(request).rejects.toMatchObject({ code: "ABORT_ERR" });
    await until(() => vault.tally.counters().requests === 3);
    expect(vault.tally.counters().answers).toMatchObject({ "GET /secrets/a/ unanswered": 2 });
    vault.tally.reset();
    expect(vault.tally.counters().peakInFlight).toBe(0);
  });

  test("commits its faults in the order in which it was told them", async () => {
    vault.misbehave({ kind: "refuse", status: 429, requests: 1 });
    vault.misbehave({ kind: "refuse", status: 503, requests: 2 });
    expect(await statuses(4)).toEqual([429, 503, 503, 200]);
  });
});

describe("the token service", () => {
  test.each([
    { status: 429, says: "AADSTS90055: " },
    { status: 503, says: "AADSTS90033: " },
  ])("answers $status in Entra's words", async ({ status, says }) => {
    emulator.entra.misbehave({ kind: "refuse", status, requests: 1, retryAfterS: 3 });
    const { headers, body, ...answer } = await ask(keysUrl());
    expect([answer.status, headers["retry-after"]]).toEqual([status, "3"]);
    expect(JSON.parse(body)).toMatchObject({
      error: "temporarily_unavailable",
      error_description: expect.stringContaining(says) as string,
    });
    expect((await ask(keysUrl())).status).toBe(200);
  });

  test("breaks the connection before it answers", async () => {
    emulator.entra.misbehave({ kind: "drop", requests: 1 });
    await expect(ask(keysUrl())).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(Object.keys(emulator.entra.tally.counters().answers)).toEqual([
      expect.stringMatching(/^GET .*\/keys dropped$/),
    ]);
  });
});

describe("a fault", () => {
  /** How 16 requests fare, 100 ms apart. */
  function fates(limits: { requests?: number; forMs?: number; abovePerSecond?: number }): string {
    let time = 0;
    const plan = createFaultPlan(() => time);
    plan.add({ kind: "drop", ...limits });
    return Array.from({ length: 16 }, () => {
      const fate = plan.next() ? "x" : ".";
      time += 100;
      return fate;
    }).join("");
  }

  test.each([
    { limits: {}, strikes: "xxxxxxxxxxxxxxxx" },
    { limits: { requests: 3 }, strikes: "xxx............." },
    { limits: { forMs: 500 }, strikes: "xxxxx..........." },
    { limits: { abovePerSecond: 2 }, strikes: "..xxxxxxxx..xxxx" },
    { limits: { abovePerSecond: 2, requests: 3 }, strikes: "..xxx..........." },
    { limits: { forMs: 400, requests: 5 }, strikes: "xxxx............" },
  ])("with limits $limits strikes like $strikes, ten requests a second", ({ limits, strikes }) => {
    expect(fates(limits)).toBe(strikes);
  });
});

describe("another process", () => {
  test.each(["/vaults/demo-vault", "/entra"])("gives %s faults and takes them back", async (part) => {
    const url = part === "/entra" ? keysUrl() : secretUrl();
    const fault = { kind: "refuse", status: 429, retryAfterS: 1, retryAfterAs: "seconds" };
    expect(await control("POST", `${part}/faults`, fault)).toEqual({ status: 204, body: "" });
    expect((await ask(url)).status).toBe(429);
    expect(await control("DELETE", `${part}/faults`)).toEqual({ status: 204, body: "" });
    expect((await ask(url)).status).toBe(200);
  });

  test.each([
    { fault: "{", says: "JSON" },
    { fault: [], says: "kind must be refuse or drop or half or hang" },
    { fault: 1, says: "a fault is a JSON object" },
    { fault: { kind: "explode" }, says: "kind must be refuse or drop or half or hang" },
    { fault: { kind: "refuse" }, says: "refuse needs a status" },
    { fault: { kind: "refuse", status: 200 }, says: "status must be a whole number from 400 to 599" },
    { fault: { kind: "drop", status: 503 }, says: "status is only for refuse" },
    { fault: { kind: "drop", requests: 0 }, says: "requests must be a whole number of at least 1" },
    { fault: { kind: "drop", forMs: "1" }, says: "forMs must be a whole number of at least 1" },
    { fault: { kind: "drop", reqeusts: 1 }, says: "reqeusts is unknown; known are kind, status, " },
  ])("is told what is wrong with $fault", async ({ fault, says }) => {
    const { status, body } = await control("POST", "/vaults/demo-vault/faults", fault);
    expect([status, body]).toEqual([400, expect.stringContaining(says)]);
    expect((await ask(secretUrl())).status).toBe(200);
  });

  test.each([
    { path: "/vaults/no-vault/faults", says: 'no vault "no-vault"' },
    { path: "/vaults/demo-vault/latency/soon", says: "soon is not a number of milliseconds" },
    { path: "/rtt/-1", says: "-1 is not a number of milliseconds" },
  ])("is told what is wrong with $path", async ({ path, says }) => {
    const { status, body } = await control("POST", path, { kind: "drop" });
    expect([status, body]).toEqual([400, expect.stringContaining(says)]);
  });
});

test("the plugin's right to sync Secrets is given and taken by another process", async () => {
  const { rights } = emulator.kubernetes;
  expect(rights.has("patch", "secrets")).toBe(false);
  expect((await control("PUT", "/kubernetes/secret-sync")).status).toBe(204);
  expect(rights.has("patch", "secrets")).toBe(true);
  expect((await control("DELETE", "/kubernetes/secret-sync")).status).toBe(204);
  expect(rights.has("patch", "secrets")).toBe(false);
});

describe("a round trip", () => {
  async function timed(url: string, through: Agent): Promise<number> {
    const start = performance.now();
    await ask(url, through);
    // Timers may be early by a part of a millisecond.
    return performance.now() - start + 1;
  }

  test("is what an answer takes, and three of them the first on a connection", async () => {
    expect((await control("POST", "/rtt/60")).status).toBe(204);
    for (const url of [secretUrl(), keysUrl()]) {
      const fresh = new Agent({ ca, keepAlive: true });
      expect(await timed(url, fresh)).toBeGreaterThanOrEqual(180);
      expect(await timed(url, fresh)).toBeGreaterThanOrEqual(60);
      fresh.destroy();
    }
    await control("POST", "/rtt/0");
  });

  test("counts as time in flight", async () => {
    const { tally } = emulator.vaults.named("third-vault");
    const url = secretUrl("a", "third-vault");
    // Two connections are open before the distance grows.
    await Promise.all([ask(url), ask(url)]);
    tally.reset();
    emulator.network.rttMs = 600_000;
    const leaving = new AbortController();
    const waiting = [1, 2].map(() => open(url, agent, leaving.signal));
    await until(() => tally.counters().peakInFlight === 2);
    emulator.network.rttMs = 0;
    leaving.abort();
    for (const request of waiting) await expect(request).rejects.toMatchObject({ code: "ABORT_ERR" });
  });
});

test("an emulator stops while requests hang and connections wait for their handshake", async () => {
  const other = await startEmulator({ dir: join(dir, "other"), ports: { entra: 0, vault: 0, kubernetes: 0 } });
  const patient = new Agent({ ca: await readFile(join(dir, "other", "ca.pem"), "utf8") });
  other.vaults.named("demo-vault").misbehave({ kind: "hang" });
  const hanging = open(`https://demo-vault.${other.settings.vaultSuffix}/secrets/a/?api-version=7.4`, patient);
  await until(() => other.vaults.named("demo-vault").tally.counters().peakInFlight === 1);
  other.network.rttMs = 600_000;
  const socket = connect(Number(new URL(other.settings.entraUrl).port), "127.0.0.1");
  await once(socket, "connect");
  const ended = once(socket.resume(), "close");
  await Promise.all([other.stop(), expect(hanging).rejects.toMatchObject({ code: "ECONNRESET" }), ended]);
});
