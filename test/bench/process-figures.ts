import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";

/** What processes hold together, in MiB. */
export interface Memory {
  readonly pss: number;
  readonly rss: number;
  readonly anonymous: number;
}

const ticksPerSecond = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

/** User and system time in seconds, of the text of /proc/PID/stat; the name of the program may hold spaces and brackets. */
export function cpuSecondsIn(stat: string, ticks = ticksPerSecond): number {
  const afterName = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(afterName[11]) + Number(afterName[12])) / ticks;
}

/** Of the text of /proc/PID/smaps_rollup. */
export function memoryIn(rollup: string): Memory {
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(rollup)?.[1] ?? Number.NaN) / 1024;
  return { pss: field("Pss"), rss: field("Rss"), anonymous: field("Anonymous") };
}

/** CPU time that the processes have used since they started, in seconds. */
export async function cpuSeconds(pids: readonly number[]): Promise<number> {
  const texts = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, "utf8")));
  return texts.reduce((sum, text) => sum + cpuSecondsIn(text), 0);
}

export async function memory(pids: readonly number[]): Promise<Memory> {
  const texts = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/smaps_rollup`, "utf8")));
  return texts.map((text) => memoryIn(text)).reduce(sum);
}

function sum(a: Memory, b: Memory): Memory {
  return { pss: a.pss + b.pss, rss: a.rss + b.rss, anonymous: a.anonymous + b.anonymous };
}
