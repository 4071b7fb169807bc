import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import {
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type StatusObject,
  type ServerUnaryCall,
} from "@grpc/grpc-js";
import type { MountRequest__Output as MountRequest } from "../../src/grpc/generated/v1alpha1/MountRequest.ts";
import type { VersionRequest__Output as VersionRequest } from "../../src/grpc/generated/v1alpha1/VersionRequest.ts";
import { provider } from "../../src/grpc/provider-descriptor.ts";

/** What a provider is told to do with a call, as the attribute `answer`: test/provider/README.md. */
export interface Answer {
  readonly delayMs?: number;
  readonly dies?: boolean;
  readonly fails?: Failure;
  readonly writes?: Readonly<Record<string, string>>;
  readonly failsAfterWriting?: Failure;
  readonly objectVersion?: readonly { readonly id: string; readonly version: string }[];
  readonly error?: string;
  readonly files?: readonly { readonly path: string; readonly mode: number; readonly contents: string }[];
  readonly fill?: { readonly count: number; readonly bytes: number };
  readonly raw?: string;
}

interface Failure {
  readonly code: number;
  readonly message: string;
  readonly times?: number;
}

/** A call as it arrived; `left` when the caller did not wait for the answer. */
export interface SeenCall extends Partial<MountRequest> {
  readonly method: string;
  readonly event: "begun" | "left";
  readonly authority: string;
  readonly hasDeadline: boolean;
}

/** A provider on a socket that does what it is told. */
export interface Peer {
  seen(): Promise<readonly SeenCall[]>;
  stop(): Promise<void>;
}

export type StartPeer = (socketPath: string) => Promise<Peer>;

const { Mount, Version } = provider.CSIDriverProvider.service;

/** In this process, by grpc-js; `authority` is the only one it takes. */
export async function startPeer(socketPath: string, authority = "localhost"): Promise<Peer> {
  const seen: SeenCall[] = [];
  const failed = { count: 0 };
  const server = new Server({ "grpc.max_receive_message_length": -1 });
  const note = (call: AnyCall, event: SeenCall["event"], request: Partial<MountRequest> = {}): void => {
    const hasDeadline = call.getDeadline() !== Infinity;
    seen.push({ method: call.getPath(), event, authority: call.getHost(), hasDeadline, ...request });
  };
  // Answers go out as bytes: some are what no encoder makes.
  const raw = { ...Mount, responseSerialize: (bytes: Buffer) => bytes };
  server.addService(
    { Mount: raw, Version },
    {
      Mount: (call: ServerUnaryCall<MountRequest, Buffer>, callback: Callback<Buffer>) => {
        note(call, "begun", call.request);
        const left = leaving(call);
        left.addEventListener("abort", () => {
          note(call, "left");
        });
        answer(call, { authority, failed, left }).then(
          (bytes) => {
            callback(null, bytes);
          },
          (error: unknown) => {
            callback(error as Partial<StatusObject>);
          },
        );
      },
      Version: (call: ServerUnaryCall<VersionRequest, unknown>, callback: Callback<object>) => {
        note(call, "begun");
        if (call.request.version !== "v1alpha1") callback(refused(`version ${call.request.version}`));
        else callback(null, { version: "v1alpha1", runtimeName: "in-process", runtimeVersion: "0.0.1" });
      },
    },
  );
  await rm(socketPath, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socketPath}`, ServerCredentials.createInsecure(), (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
  return {
    seen: () => Promise.resolve(seen),
    stop: () => {
      server.forceShutdown();
      return Promise.resolve();
    },
  };
}

type AnyCall = Pick<ServerUnaryCall<unknown, unknown>, "getPath" | "getHost" | "getDeadline">;
type Callback<Response> = sendUnaryData<Response>;

function leaving(call: Pick<ServerUnaryCall<unknown, unknown>, "on">): AbortSignal {
  const left = new AbortController();
  call.on("cancelled", () => {
    left.abort();
  });
  return left.signal;
}

interface Circumstances {
  readonly authority: string;
  readonly failed: { count: number };
  readonly left: AbortSignal;
}

async function answer(call: ServerUnaryCall<MountRequest, Buffer>, now: Circumstances): Promise<Buffer> {
  const { attributes, secrets, permission, targetPath } = call.request;
  if (call.getHost() !== now.authority) throw refused(`authority ${call.getHost()}`);
  const told = JSON.parse((JSON.parse(attributes) as Record<string, string>)["answer"] ?? "{}") as Answer;
  JSON.parse(secrets);
  if (typeof JSON.parse(permission) !== "number") throw refused("permission");
  await setTimeout(told.delayMs ?? 0, undefined, { signal: now.left });
  failing(told.fails, now);
  for (const [path, text] of Object.entries(told.writes ?? {})) {
    await mkdir(dirname(join(targetPath, path)), { recursive: true });
    await writeFile(join(targetPath, path), text);
  }
  failing(told.failsAfterWriting, now);
  return Buffer.concat([Buffer.from(told.raw ?? "", "base64"), encode(told)]);
}

function encode({ objectVersion = [], error = "", files = [], fill = { count: 0, bytes: 0 } }: Answer): Buffer {
  const filler = Array.from({ length: fill.count }, (_, index) => ({
    path: `filler-${index}`,
    mode: 0o644,
    contents: Buffer.alloc(fill.bytes),
  }));
  const named = files.map(({ path, mode, contents }) => ({ path, mode, contents: Buffer.from(contents) }));
  return Mount.responseSerialize({
    objectVersion: [...objectVersion],
    error: error === "" ? null : { code: error },
    files: [...named, ...filler],
  });
}

function failing(failure: Failure | undefined, { failed }: Circumstances): void {
  if (failure === undefined || (failure.times !== undefined && failed.count >= failure.times)) return;
  failed.count += 1;
  throw Object.assign(new Error(failure.message), { code: failure.code, details: failure.message });
}

function refused(what: string): Error {
  return Object.assign(new Error(what), { code: status.INVALID_ARGUMENT, details: what });
}
