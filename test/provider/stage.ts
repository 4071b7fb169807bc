import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import type { Content, ContentRequest } from "../../src/model.ts";
import type { Freshness } from "../../src/ports.ts";
import { createRemoteProviders, type RemoteProviders } from "../../src/provider/remote/provider.ts";
import { createFakeLog, type FakeLog } from "../fakes/log.ts";
import type { Answer, Peer, SeenCall, StartPeer } from "../fakes/provider-peer.ts";
import { anyAge, aRequest, noSignal } from "../fakes/volumes.ts";

export const MiB = 1024 * 1024;

/** A provider `mis` on a socket of its own, and our side of it. */
export interface Stage {
  readonly dir: string;
  readonly socketPath: string;
  readonly log: FakeLog;
  readonly startPeer: StartPeer;
  peer: Peer;
  readonly providers: RemoteProviders;
  ask(
    answer: Answer,
    changes?: Partial<ContentRequest>,
    asking?: { readonly freshness?: Partial<Freshness>; readonly signal?: AbortSignal },
  ): Promise<Content>;
  /** What asking ends with. */
  failure(answer: Answer): Promise<unknown>;
  calls(event?: SeenCall["event"], of?: Peer): Promise<readonly SeenCall[]>;
}

/** Set up before each test. */
export function useStage(startPeer: StartPeer): () => Stage {
  let stage: Stage;
  beforeEach(async () => {
    stage = await setUp(startPeer);
  });
  afterEach(async () => {
    stage.providers.close();
    await stage.peer.stop();
    rmSync(stage.dir, { recursive: true });
  });
  return () => stage;
}

async function setUp(startPeer: StartPeer): Promise<Stage> {
  const dir = mkdtempSync(join(tmpdir(), "remote-"));
  const socketPath = join(dir, "mis.sock");
  const log = createFakeLog();
  const directories = [join(dir, "none"), dir];
  const stage: Stage = {
    dir,
    socketPath,
    log,
    startPeer,
    peer: await startPeer(socketPath),
    providers: createRemoteProviders({ directories, maxReceiveBytes: 4 * MiB, log }),
    ask: (answer, changes = {}, { freshness, signal = noSignal } = {}) => {
      const { volume, attributes, credentials } = aRequest;
      const parameters = { ...attributes, ...changes.parameters, answer: JSON.stringify(answer) };
      const request = { volume, credentials, ...changes, parameters };
      return stage.providers.named("mis").fetch(request, { ...anyAge, ...freshness }, signal);
    },
    failure: (answer) => stage.ask(answer).catch((error: unknown) => error),
    calls: async (event = "begun", of = stage.peer) => (await of.seen()).filter((call) => call.event === event),
  };
  return stage;
}
