import { describe } from "vitest";
import { startPeer } from "../fakes/provider-peer.ts";
import { describeProtocol } from "../provider/protocol.ts";

/** The same table is held against a provider in Go: test/provider/protocol.test.ts. */
describe("a provider by grpc-js", () => {
  describeProtocol(startPeer);
});
