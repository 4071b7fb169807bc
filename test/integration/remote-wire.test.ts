import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createRemoteProviders, type RemoteProviders } from "../../src/provider/remote/provider.ts";
import { createFakeLog } from "../fakes/log.ts";
import { anyAge, aRequest, noSignal } from "../fakes/volumes.ts";

/** A provider by bare HTTP/2: what no library of gRPC sends. */
type Behaviour = (stream: ServerHttp2Stream) => void;

const MiB = 1024 * 1024;
const accepted = { ":status": 200, "content-type": "application/grpc+proto" };
/** MountResponse{object_version: [{id: "a", version: "1"}]} */
const answer = Buffer.from("0a060a0161120131", "hex");

let dir: string;
let server: Http2Server;
let providers: RemoteProviders;
let behave: Behaviour;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "wire-"));
  server = createServer();
  server.on("stream", (stream) => {
    stream.on("error", () => undefined);
    behave(stream);
  });
  server.listen(join(dir, "wire.sock"));
  await once(server, "listening");
  providers = createRemoteProviders({ directories: [dir], maxReceiveBytes: 4 * MiB, log: createFakeLog() });
});
afterEach(() => {
  providers.close();
  server.close();
  rmSync(dir, { recursive: true });
});

function ask(behaviour: Behaviour): Promise<unknown> {
  behave = behaviour;
  const { volume, attributes: parameters, credentials } = aRequest;
  return providers.named("wire").fetch({ volume, parameters, credentials }, anyAge, noSignal);
}

/** A message of gRPC. */
function framed(message: Buffer, isCompressed = false): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(isCompressed ? 1 : 0, 0);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Headers, a message, and the status OK. */
function answers(body: Buffer, headers: Readonly<Record<string, string>> = {}): Behaviour {
  return (stream) => {
    stream.respond({ ...accepted, ...headers }, { waitForTrailers: true });
    stream.on("wantTrailers", () => {
      stream.sendTrailers({ "grpc-status": "0" });
    });
    stream.end(body);
  };
}

/** Headers alone. */
function refuses(headers: Readonly<Record<string, string | number>>): Behaviour {
  return (stream) => {
    stream.respond({ ...accepted, ...headers }, { endStream: true });
  };
}

test.each<[string, Behaviour]>([
  ["as it is", answers(framed(answer))],
  ["compressed", answers(framed(gzipSync(answer), true), { "grpc-encoding": "gzip" })],
])("an answer %s is taken", async (_name, behaviour) => {
  expect(await ask(behaviour)).toEqual({ files: [], versions: [{ id: "a", version: "1" }] });
});

describe("an answer is refused", () => {
  test.each<[string, Behaviour, string, string]>([
    [
      "that is small and unfolds beyond the limit",
      answers(framed(gzipSync(Buffer.alloc(64 * MiB)), true), { "grpc-encoding": "gzip" }),
      "InvalidRequest",
      "more than the limit of 4194304: name fewer objects in the SecretProviderClass, or raise --max-call-recv-msg-size",
    ],
    [
      "that announces 4 GiB, before it comes",
      (stream) => {
        stream.respond(accepted);
        stream.write(Buffer.from("00ffffffff", "hex"));
      },
      "InvalidRequest",
      "is 4294967295 bytes, more than the limit of 4194304",
    ],
    ["without a message", answers(Buffer.alloc(0)), "ProviderError", "No message received"],
    [
      "without a status",
      (stream) => {
        stream.respond(accepted);
        stream.end(framed(answer));
      },
      "ProviderError",
      "Call ended without gRPC status",
    ],
    [
      "with a status that is no number",
      refuses({ "grpc-status": "x", "grpc-message": "m" }),
      "ProviderError",
      "UNKNOWN: m",
    ],
    [
      "with a text that is no UTF-8",
      refuses({ "grpc-status": "2", "grpc-message": "%ff%0a" }),
      "ProviderError",
      "UNKNOWN: %ff%0a",
    ],
    [
      "with a text that no header holds",
      refuses({ "grpc-status": "2", "grpc-message": "x".repeat(100_000) }),
      "ProviderError",
      "INTERNAL: Received RST_STREAM",
    ],
    ["that is none of gRPC", refuses({ ":status": 404, "content-type": "text/html" }), "ProviderError", "404"],
    [
      "by a reset",
      (stream) => {
        stream.close(2);
      },
      "ProviderError",
      "RST_STREAM with code 2",
    ],
  ])("%s", async (_name, behaviour, reason, message) => {
    await expect(ask(behaviour)).rejects.toMatchObject({ reason, message: expect.stringContaining(message) as string });
  });
});
