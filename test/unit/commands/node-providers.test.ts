import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createNodeProviders, type NodeProviders } from "../../../src/commands/node-providers.ts";
import { parseNodeFlags } from "../../../src/commands/node-flags.ts";
import type { Provider } from "../../../src/ports.ts";
import { createFakeLog } from "../../fakes/log.ts";
import { startPeer, type Peer } from "../../fakes/provider-peer.ts";
import { anyAge, aRequest, noSignal } from "../../fakes/volumes.ts";

const azure: Provider = { fetch: () => Promise.resolve({ files: [], versions: [{ id: "azure", version: "1" }] }) };

let dir: string;
let peers: Peer[];
let providers: NodeProviders;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "node-providers-"));
  peers = [];
  for (const name of ["usual", "more", "most"]) mkdirSync(join(dir, name));
  const { values, problems } = parseNodeFlags([
    "--nodeid=node-1",
    `--provider-volume=${dir}/usual`,
    `--additional-provider-volume-paths=${dir}/most,${dir}/more`,
  ]);
  expect(problems).toEqual([]);
  providers = createNodeProviders({ azure }, values, createFakeLog());
});
afterEach(async () => {
  await Promise.all(peers.map((peer) => peer.stop()));
  rmSync(dir, { recursive: true });
});

async function serve(...path: readonly string[]): Promise<Peer> {
  const peer = await startPeer(join(dir, ...path));
  peers.push(peer);
  return peer;
}

async function versionsOf(name: string): Promise<unknown> {
  const { volume, credentials } = aRequest;
  const answer = JSON.stringify({ objectVersion: [{ id: name, version: "remote" }] });
  const request = { volume, credentials, parameters: { answer } };
  return (await providers.named(name).fetch(request, anyAge, noSignal)).versions;
}

describe("providers of a node", () => {
  test("this process serves azure, whoever else has a socket of that name", async () => {
    const peer = await serve("most", "azure.sock");
    expect(await versionsOf("azure")).toEqual([{ id: "azure", version: "1" }]);
    expect(await peer.seen()).toEqual([]);
  });

  test("others are looked for in the additional directories first, in their order", async () => {
    for (const name of ["usual", "more", "most"]) {
      const peer = await serve(name, "vault.sock");
      expect(await versionsOf("vault")).toEqual([{ id: "vault", version: "remote" }]);
      expect(await peer.seen()).not.toEqual([]);
    }
  });

  test("one that is nowhere is told when it is asked, with where it was looked for", async () => {
    await expect(versionsOf("vault")).rejects.toThrow(
      `there is no vault.sock in ${dir}/most or ${dir}/more or ${dir}/usual`,
    );
  });

  test.each(["", "../vault", "a.b", "x".repeat(31), "\ud800"])("%j is no name of a provider", (name) => {
    expect(() => providers.named(name)).toThrow("is not the name of a provider");
    expect(providers.writesIntoTarget(name)).toBe(false);
  });

  test.each([
    ["azure", false],
    ["vault", true],
    ["constructor", true],
  ])("%s may write into the target by itself: %s", (name, may) => {
    expect(providers.writesIntoTarget(name)).toBe(may);
  });

  test("nobody is probed as long as nobody was needed", async () => {
    const peer = await serve("usual", "vault.sock");
    await providers.probe(noSignal);
    expect(await peer.seen()).toEqual([]);
    await versionsOf("vault");
    await providers.probe(noSignal);
    expect((await peer.seen()).map(({ method }) => method)).toContain("/v1alpha1.CSIDriverProvider/Version");
  });
});
