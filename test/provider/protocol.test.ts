import { describe } from "vitest";
import { buildGoProvider, startGoPeer } from "./go-peer.ts";
import { describeProtocol } from "./protocol.ts";

const program = buildGoProvider();

describe("a provider by grpc-go", () => {
  describeProtocol((socketPath) => startGoPeer(program, socketPath));
});
