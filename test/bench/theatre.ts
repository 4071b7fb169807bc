import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { BenchArguments } from "./arguments.ts";
import { openEmulator, startEmulator } from "./emulator.ts";
import { createProcesses } from "./processes.ts";
import { provideServiceAccount } from "./service-account.ts";
import { createStage, type Stage } from "./stage.ts";
import { createOtherSubject, createOwnSubject } from "./subject.ts";

/** The plugins that are measured, each on a stage of its own in front of one emulator. */
export interface Theatre {
  stages(): Promise<readonly Stage[]>;
  /** Ends every process and takes away every mount and directory that was made; good at any time. */
  close(): Promise<void>;
}

export async function createTheatre({ cloud: where, settleMs, vs }: BenchArguments): Promise<Theatre> {
  const dir = await mkdtemp(join(tmpdir(), "akv-bench-"));
  const processes = createProcesses();
  const stages: Stage[] = [];
  let takeServiceAccount = (): void => undefined;
  return {
    stages: async () => {
      await mkdir(join(dir, "kubelet"));
      const cloud = await ("emulator" in where
        ? openEmulator(resolve(where.emulator))
        : startEmulator(processes, join(dir, "emulator"), where.rttMs));
      takeServiceAccount = await provideServiceAccount(cloud.dir);
      const own = await createOwnSubject(processes, dir, cloud);
      const subjects = [own, ...(vs ? [createOtherSubject(vs)] : [])];
      for (const subject of subjects) stages.push(await createStage(cloud, subject, settleMs));
      return stages;
    },
    close: async () => {
      await Promise.all(stages.map((stage) => stage.clear()));
      await processes.stopAll();
      takeServiceAccount();
      await unmountBelow(dir);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function unmountBelow(dir: string): Promise<void> {
  const points = (await readFile("/proc/self/mountinfo", "utf8")).split("\n").map((line) => line.split(" ")[4] ?? "");
  for (const point of points.filter((path) => path.startsWith(`${dir}/`))) execFileSync("umount", [point]);
}
