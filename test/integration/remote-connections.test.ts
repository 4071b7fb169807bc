import { getEventListeners } from "node:events";
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Freshness } from "../../src/ports.ts";
import { createRemoteProviders, type RemoteProviders } from "../../src/provider/remote/provider.ts";
import { leaveDeadSocket } from "../fakes/dead-socket.ts";
import { startPeer } from "../fakes/provider-peer.ts";
import { startRelay, type Relay } from "../fakes/socket-relay.ts";
import { anyAge, aRequest, noSignal } from "../fakes/volumes.ts";
import { MiB, useStage } from "../provider/stage.ts";

const one = [{ id: "secret/a", version: "1" }];
/** gRPC lets go of a connection that nobody needs within 10 s. */
const closing = { timeout: 20_000 };

const stage = useStage(startPeer);
let directories: readonly [string, string];
let providers: RemoteProviders;
let lines: string[];
let relays: Relay[];

beforeEach(() => {
  directories = [join(stage().dir, "first"), join(stage().dir, "second")];
  for (const directory of directories) mkdirSync(directory);
  lines = [];
  relays = [];
  const info = (message: string, fields?: object, level?: number): void => {
    lines.push(`${level ?? 0} ${message} ${JSON.stringify(fields)}`);
  };
  const log = { ...stage().log, info };
  providers = createRemoteProviders({ directories, maxReceiveBytes: 4 * MiB, log });
});
afterEach(async () => {
  providers.close();
  await Promise.all(relays.map((relay) => relay.stop()));
});

/** A socket that leads to the provider. */
function relay(directory: string, name = "mis"): Promise<Relay> {
  return listen(directory, name, stage().socketPath);
}

/** A provider that takes connections and never answers. */
function hangingProvider(): Promise<Relay> {
  return listen(directories[1], "silent");
}

async function listen(directory: string, name: string, to?: string): Promise<Relay> {
  const started = await startRelay(join(directory, `${name}.sock`), to);
  relays.push(started);
  return started;
}

function ask(answer: object, name = "mis", signal = noSignal, freshness: Freshness = anyAge) {
  const { volume, attributes, credentials } = aRequest;
  const parameters = { ...attributes, answer: JSON.stringify({ objectVersion: one, ...answer }) };
  return providers.named(name).fetch({ volume, credentials, parameters }, freshness, signal);
}

describe("a connection", () => {
  test("is made at the first call, and one serves all", async () => {
    const socket = await relay(directories[1]);
    expect(providers.named("mis")).toBeDefined();
    expect(socket.made()).toBe(0);
    await Promise.all(Array.from({ length: 50 }, () => ask({})));
    await ask({});
    expect([socket.made(), socket.open()]).toEqual([1, 1]);
  });

  test("follows a provider that moved to another directory, and the old one is closed", closing, async () => {
    const old = await relay(directories[1]);
    await ask({});
    const moved = await relay(directories[0]);
    await ask({});
    expect([old.made(), moved.made()]).toEqual([1, 1]);
    await expect.poll(old.open, closing).toBe(0);
    await ask({});
    expect(moved.open()).toBe(1);
  });

  test("with a call under way outlives the move of its provider until that ends", closing, async () => {
    const old = await relay(directories[1]);
    const slow = ask({ delayMs: 2_000 });
    await expect.poll(() => stage().calls()).toHaveLength(1);
    await relay(directories[0]);
    await ask({});
    expect((await slow).versions).toEqual(one);
    await expect.poll(old.open, closing).toBe(0);
  });

  test("that waits for somebody to listen is given up when the provider is elsewhere, and it is asked there", async () => {
    await leaveDeadSocket(join(directories[1], "mis.sock"));
    const waiting = ask({});
    await relay(directories[0]);
    await ask({});
    expect((await waiting).versions).toEqual(one);
  });

  test("whose provider was replaced between two attempts is given up, and the successor is asked", async () => {
    const old = await relay(directories[1]);
    const first = ask({ fails: { code: 14, message: "starting", times: 1 } });
    await expect.poll(() => stage().calls()).toHaveLength(1);
    const moved = await relay(directories[0]);
    await ask({});
    expect((await first).versions).toEqual(one);
    expect([old.made(), moved.made()]).toEqual([1, 1]);
  });

  test("whose provider failed at a call is not asked that again where it moved to: it may have had an effect", async () => {
    await relay(directories[1]);
    const failing = ask({ delayMs: 1_000, fails: { code: 13, message: "half done" } }).catch((error: unknown) => error);
    await expect.poll(() => stage().calls()).toHaveLength(1);
    await relay(directories[0]);
    await ask({});
    expect(await failing).toMatchObject({ reason: "ProviderError" });
    expect(await stage().calls()).toHaveLength(2);
  });

  test("that waits for somebody to listen ends when its socket is removed: the provider is not found", async () => {
    await leaveDeadSocket(join(directories[1], "mis.sock"));
    const waiting = ask({}).catch((error: unknown) => error);
    rmSync(join(directories[1], "mis.sock"));
    await expect(ask({})).rejects.toMatchObject({ reason: "ProviderNotFound" });
    expect(await waiting).toMatchObject({ reason: "ProviderNotFound" });
  });

  test("that waits ends when all are closed", async () => {
    await leaveDeadSocket(join(directories[1], "mis.sock"));
    const waiting = ask({}).catch((error: unknown) => error);
    providers.close();
    expect(await waiting).toMatchObject({ reason: "ProviderUnavailable" });
  });

  test("whose socket is gone is closed, and the provider is not found", closing, async () => {
    const socket = await relay(directories[1]);
    await ask({});
    rmSync(join(directories[1], "mis.sock"));
    await expect(ask({})).rejects.toMatchObject({ reason: "ProviderNotFound" });
    await expect.poll(socket.open, closing).toBe(0);
  });

  test("is made anew for a provider that was restarted at the same path", async () => {
    const socket = await relay(directories[1]);
    await ask({});
    await socket.stop();
    relays.length = 0;
    await relay(directories[1]);
    expect((await ask({})).versions).toEqual(one);
  });

  test("keeps nothing of callers who left", async () => {
    await hangingProvider();
    const caller = new AbortController();
    const asked = Array.from({ length: 200 }, () => ask({}, "silent", caller.signal));
    await expect.poll(() => getEventListeners(caller.signal, "abort").length).toBe(200);
    caller.abort();
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.every(({ status }) => status === "rejected")).toBe(true);
    expect(getEventListeners(caller.signal, "abort")).toEqual([]);
  });

  test("keeps nothing of callers who were answered", async () => {
    await relay(directories[1]);
    const caller = new AbortController();
    await ask({}, "mis", caller.signal);
    expect(getEventListeners(caller.signal, "abort")).toEqual([]);
  });
});

test("who takes connections and does not speak gRPC is told from nobody", async () => {
  await hangingProvider();
  const deadline = new Date(Date.now() + 1_000);
  await expect(ask({}, "silent", noSignal, { ...anyAge, deadline })).rejects.toMatchObject({
    reason: "DeadlineExceeded",
    message: `who listens on ${directories[1]}/silent.sock does not speak gRPC: provider "silent" hangs, look at its logs on this node`,
  });
});

describe("of rotation", () => {
  const caller = () => new AbortController();
  const rotation: Freshness = { ...anyAge, priority: "rotation" };
  const hanging = (count: number, { signal }: AbortController) =>
    Array.from({ length: count }, () => ask({ delayMs: 600_000 }, "mis", signal, rotation));

  test("a provider gets 20 calls at once, and mounts at any time; those that had no turn are told so", async () => {
    await relay(directories[1]);
    const pass = caller();
    const asked = Promise.allSettled(hanging(30, pass));
    await expect.poll(() => stage().calls()).toHaveLength(20);
    await ask({});
    expect(await stage().calls()).toHaveLength(21);
    pass.abort();
    const outcomes = await asked;
    const told = outcomes.map((outcome) =>
      outcome.status === "rejected" ? (outcome.reason as Error).message : "answered",
    );
    expect(told.filter((message) => message.includes("did not answer in time"))).toHaveLength(20);
    expect(told.filter((message) => message.includes("was not asked"))).toHaveLength(10);
    expect(await stage().calls()).toHaveLength(21);
  });

  test("every call has its turn, and a provider that hangs takes none of another's", async () => {
    await hangingProvider();
    await relay(directories[1]);
    const pass = caller();
    const silent = Promise.allSettled(Array.from({ length: 30 }, () => ask({}, "silent", pass.signal, rotation)));
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask({}, "mis", pass.signal, rotation)));
    expect(answers).toHaveLength(50);
    pass.abort();
    await silent;
  });

  test("what has no turn by its deadline is not asked", async () => {
    await relay(directories[1]);
    const pass = caller();
    const asked = Promise.allSettled(hanging(20, pass));
    await expect.poll(() => stage().calls()).toHaveLength(20);
    const late = ask({}, "mis", noSignal, { ...rotation, deadline: new Date(Date.now() - 1) });
    pass.abort();
    await expect(late).rejects.toThrow(
      'provider "mis" was not asked: other volumes of this node took the whole interval',
    );
    await asked;
  });
});

describe("a health check", () => {
  test("asks nobody who was not needed yet", async () => {
    const socket = await relay(directories[1]);
    await providers.probe(noSignal);
    expect([socket.made(), lines]).toEqual([0, []]);
  });

  test("tells once of a provider whose socket is gone", async () => {
    await relay(directories[1]);
    await ask({});
    rmSync(join(directories[1], "mis.sock"));
    await providers.probe(noSignal);
    await providers.probe(noSignal);
    expect(lines).toEqual([
      expect.stringMatching(/^4 provider "mis" is not healthy \{"err":"ProviderNotFound","durationMs":\d+\}$/),
    ]);
  });

  test("tells the version of each connected provider at verbosity 4, and one that hangs hinders nobody", async () => {
    const silent = await hangingProvider();
    await relay(directories[1]);
    const caller = new AbortController();
    const hanging = ask({}, "silent", caller.signal).catch(() => undefined);
    await expect.poll(silent.made).toBe(1);
    await ask({});
    const probing = providers.probe(noSignal);
    await expect.poll(() => lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^4 provider "mis" is healthy \{"version":"in-process 0.0.1","durationMs":\d+\}$/);
    expect((await ask({})).versions).toEqual(one);
    await probing;
    expect(lines[1]).toMatch(/^4 provider "silent" is not healthy \{"err":"DEADLINE_EXCEEDED","durationMs":\d+\}$/);
    caller.abort();
    await hanging;
  });
});

test("a socket that is replaced by a rename is the one that is asked, while the old provider still answers", async () => {
  const old = await relay(directories[1]);
  const slow = ask({ delayMs: 1_000 });
  await expect.poll(() => stage().calls()).toHaveLength(1);
  const successor = await relay(directories[1], "new");
  renameSync(join(directories[1], "new.sock"), join(directories[1], "mis.sock"));
  await ask({});
  expect([old.made(), successor.made()]).toEqual([1, 1]);
  expect((await slow).versions).toEqual(one);
});
