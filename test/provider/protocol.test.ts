import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { anyAge, aRequest, noSignal } from "../fakes/volumes.ts";
import { buildGoProvider, startGoPeer, type GoPeer } from "./go-peer.ts";
import { describeProtocol } from "./protocol.ts";
import { useStage } from "./stage.ts";

const program = buildGoProvider();
const startPeer = (socketPath: string): Promise<GoPeer> => startGoPeer(program, socketPath);

describe("a provider by grpc-go", () => {
  describeProtocol(startPeer);
});

describe("a provider that dies in the middle", () => {
  let peer: GoPeer;
  const stage = useStage(async (socketPath) => (peer = await startPeer(socketPath)));

  test("is waited for, and asked again when it is back", async () => {
    peer.control({ dies: true });
    const { volume, attributes: parameters, credentials } = aRequest;
    const asked = stage().providers.named("mis").fetch({ volume, parameters, credentials }, anyAge, noSignal);
    await once(peer.child, "exit");
    stage().peer = await startPeer(stage().socketPath);
    peer = stage().peer as GoPeer;
    peer.control({ objectVersion: [{ id: "a", version: "1" }] });
    expect((await asked).versions).toEqual([{ id: "a", version: "1" }]);
  });
});
