import { execFile, spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { once } from "node:events";

/** Runs a program to its end; rejects with what it wrote to stderr. */
export function run(command: readonly string[], input = ""): Promise<string> {
  const [program = "", ...args] = command;
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${command.join(" ")}: ${stderr || stdout || error.message}`));
      else resolve(stdout);
    });
    // A program may end before it has read all; that is its business.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });
}

/** Runs a program whose progress the reader wants to see. */
export async function show(command: readonly string[]): Promise<void> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`${command.join(" ")} failed: see above`);
}

/** A line that a user would type, with a shell's quotes. */
export function shell(line: string, cwd = "."): Promise<string> {
  return run(["sh", "-c", `cd "$0" && ${line}`, cwd]);
}

/** Waits for a condition of the cluster; what it is called is told when it does not come. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  limitMs = 180_000,
): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`waited ${limitMs / 1000} s in vain until ${what}`);
    await delay(200);
  }
}
