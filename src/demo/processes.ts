import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { until } from "./until.ts";

/** A real process of the demo; what it wrote is kept for the case that something goes wrong. */
export interface RunningProcess {
  readonly pid: number;
  output(): string;
  /** Sends SIGTERM and resolves to the exit code. */
  stop(): Promise<number>;
}

/** Starts a process and resolves when the file that shows that it is ready is there. */
export async function startProcess(
  command: readonly string[],
  { ready, env = {} }: { readonly ready: string; readonly env?: NodeJS.ProcessEnv },
): Promise<RunningProcess> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await until(`${program} ${args[0] ?? ""} starts`, () => {
    if (child.exitCode !== null) throw new Error(`a process did not start:\n${output}`);
    return Promise.resolve(existsSync(ready));
  });
  return { pid: child.pid ?? 0, output: () => output, stop: () => terminate(child) };
}

async function terminate(child: ChildProcess): Promise<number> {
  if (child.exitCode === null) {
    child.kill("SIGTERM");
    await once(child, "exit");
  }
  return child.exitCode ?? 1;
}

/** Runs a command to its end and gives what it printed on stdout. */
export async function run(command: readonly string[]): Promise<string> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await once(child, "close");
  if (child.exitCode !== 0) throw new Error(`${command.join(" ")} failed`);
  return output;
}
