import { spawnSync } from "node:child_process";

/** Runs a program whose output is for the reader, on standard error; throws if it fails. */
export function run(program: string, args: readonly string[], cwd = "."): void {
  const { status, error } = spawnSync(program, args, { cwd, stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Error(`${program} failed: ${error?.message ?? "see above"}`);
}

/** What a program prints, without the last newline; undefined if it is not there or fails. */
export function ask(program: string, ...args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return status === 0 ? stdout.trim() : undefined;
}
