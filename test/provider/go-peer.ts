import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { createHash } from "node:crypto";
import type { Peer, SeenCall } from "../fakes/provider-peer.ts";

const sources = ["go.mod", "go.sum", "main.go", "wire.go", "serve.go", "call.go"];

/** The program of this folder, built once for what its sources say, in the user's cache. */
export function buildGoProvider(): string {
  const hash = createHash("sha256");
  for (const name of sources) hash.update(readFileSync(join(import.meta.dirname, name)));
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const dir = join(cache, "akv-test-provider", hash.digest("hex").slice(0, 16));
  const program = join(dir, "provider");
  mkdirSync(dir, { recursive: true });
  execFileSync("go", ["build", "-o", program, "."], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "inherit", "inherit"],
  });
  return program;
}

/** A provider by google.golang.org/grpc, in a process of its own. */
export interface GoPeer extends Peer {
  readonly child: ChildProcess;
  /** The command of calls that bring none. */
  control(command: object): void;
}

export async function startGoPeer(program: string, socketPath: string): Promise<GoPeer> {
  const record = `${socketPath}.record`;
  const control = `${socketPath}.control`;
  writeFileSync(record, "");
  writeFileSync(control, "{}");
  const args = ["serve", "--socket", socketPath, "--record", record, "--control", control];
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  await Promise.race([
    once(child.stdout, "data"),
    ended.then(() => Promise.reject(new Error("the Go provider does not start"))),
  ]);
  return {
    child,
    control: (command) => {
      writeFileSync(control, JSON.stringify(command));
    },
    seen: () => Promise.resolve(readRecord(record)),
    stop: async () => {
      child.kill();
      await ended;
    },
  };
}

function readRecord(record: string): readonly SeenCall[] {
  const lines = readFileSync(record, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as SeenCall);
}
