import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

/** A process of the bench. */
export interface Process {
  readonly pid: number;
  /** SIGTERM, and after five seconds SIGKILL. */
  stop(): Promise<void>;
}

/** Starts processes, and ends all that are left. */
export interface Processes {
  /** Resolves when `isReady` says so; rejects with what the process wrote when it ends before. */
  start(command: readonly string[], isReady: () => Promise<boolean>, env?: NodeJS.ProcessEnv): Promise<Process>;
  /** Nothing starts after that. */
  stopAll(): Promise<void>;
}

export function createProcesses(): Processes {
  const running = new Set<ChildProcess>();
  let closed = false;
  return {
    start: async ([program = "", ...args], isReady, env = {}) => {
      if (closed) throw new Error("the bench is ending");
      // In a process group of its own: Ctrl-C is for the bench alone, which ends the others in order.
      const child = spawn(program, args, {
        env: { ...process.env, ...env },
        stdio: ["ignore", "ignore", "pipe"],
        detached: true,
      });
      running.add(child);
      child.once("exit", () => running.delete(child));
      await untilReady(child, isReady);
      return { pid: child.pid ?? 0, stop: () => end(child) };
    },
    stopAll: async () => {
      closed = true;
      await Promise.all([...running].map(end));
    },
  };
}

async function untilReady(child: ChildProcess, isReady: () => Promise<boolean>): Promise<void> {
  const until = Date.now() + 30_000;
  let complaint = "";
  child.stderr?.on("data", (chunk: Buffer) => (complaint = `${complaint}${chunk.toString()}`.slice(-2000)));
  child.once("error", ({ message }) => (complaint = message));
  while (!(await isReady())) {
    if (hasEnded(child) || child.pid === undefined || Date.now() > until)
      throw new Error(`${child.spawnargs.slice(0, 3).join(" ")} did not start: ${complaint.trim()}`);
    await delay(1);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
  await exited;
  clearTimeout(timer);
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
