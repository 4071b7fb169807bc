import { execFileSync } from "node:child_process";
import { availableParallelism, cpus, release } from "node:os";

/** On what was measured. */
export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly kernel: string;
  readonly node: string;
  readonly commit: string;
  readonly date: string;
}

export function lookAtMachine(): Machine {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? "unknown",
    kernel: release(),
    node: process.version,
    commit: commit(),
    date: new Date().toISOString(),
  };
}

/** With a + when the files are not those of the commit. */
function commit(): string {
  try {
    return `${git("rev-parse", "HEAD")}${git("status", "--porcelain") && "+"}`;
  } catch {
    return "unknown";
  }
}

function git(...words: readonly string[]): string {
  return execFileSync("git", ["--no-optional-locks", ...words], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  }).trim();
}
