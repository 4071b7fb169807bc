import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { access, readdir, readFile, readlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { until } from "./shell.ts";

/** The node's own processes, where the node is this machine. */
export async function processes(matches: (argv: readonly string[]) => boolean): Promise<readonly number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map(async (pid) => (matches(await argvOf(pid)) ? [Number(pid)] : [])));
  return found.flat();
}

export async function argvOf(pid: string): Promise<readonly string[]> {
  const text = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return text.split("\0").slice(0, -1);
}

/** The plugin's process; undefined when it is not here, or not running. */
export async function pluginPid(): Promise<number | undefined> {
  const [pid] = await processes(
    (argv) => argv.includes("/app/main.js") && argv.some((arg) => arg.startsWith("--nodeid=")),
  );
  return pid;
}

async function kubeletPid(): Promise<number | undefined> {
  const [pid] = await processes(([program = ""]) => basename(program) === "kubelet");
  return pid;
}

/** Why tests that reach into the node cannot run; undefined when they can. A bed is always here. */
export async function whyNotHere(): Promise<string | undefined> {
  const why =
    process.getuid?.() !== 0
      ? "needs root"
      : (await kubeletPid()) === undefined
        ? "the node is another machine"
        : undefined;
  if (why !== undefined && process.env["CLUSTER_TEST_BED"] !== undefined)
    throw new Error(`the bed cannot be used: ${why}`);
  return why;
}

/** SIGKILL, and the process is gone. */
export async function killPlugin(): Promise<void> {
  const pid = await pluginPid();
  if (pid === undefined) throw new Error("the plugin does not run on this machine");
  process.kill(pid, "SIGKILL");
  await until("the plugin's process is gone", async () => !(await isAlive(pid)));
}

/** Kubelet ends and is started again as it was. */
export async function restartKubelet(): Promise<void> {
  const startAgain = await endDaemon("kubelet", "SIGTERM");
  await startAgain();
}

/** Ends a daemon of the node; resolves to what starts it again as it was. */
export async function endDaemon(name: string, signal: "SIGTERM" | "SIGKILL"): Promise<() => Promise<void>> {
  const [pid] = await processes(([program = ""]) => basename(program) === name);
  if (pid === undefined) throw new Error(`${name} does not run on this machine`);
  const [program = "", ...args] = await argvOf(String(pid));
  const environment = (await readFile(`/proc/${pid}/environ`, "utf8"))
    .split("\0")
    .filter((entry) => entry.includes("="));
  const env = Object.fromEntries(
    environment.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]),
  );
  const [cwd, exe, output] = await Promise.all(["cwd", "exe", "fd/1"].map((link) => readlink(`/proc/${pid}/${link}`)));
  process.kill(pid, signal);
  await until(`${name} has ended`, async () => !(await isAlive(pid)));
  return async () => {
    const log = openSync(output ?? "/dev/null", "a");
    const stdio = ["ignore", log, log] as const;
    const child = spawn(exe ?? program, args, { cwd, env, argv0: program, detached: true, stdio: [...stdio] });
    child.unref();
    // A bed that keeps the pid of its daemons shall still find them.
    const pidFile = join(cwd ?? "/", `run/${name}.pid`);
    if (await exists(pidFile)) await writeFile(pidFile, `${child.pid ?? 0}\n`);
  };
}

/** Stops the API server where it stands; nobody has an answer until it goes on. */
export async function pauseApiServer(): Promise<{ resume(): void }> {
  const pids = await processes(([program = ""]) => basename(program) === "kube-apiserver");
  if (pids.length === 0) throw new Error("the API server does not run on this machine");
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  return {
    resume: () => {
      for (const pid of pids) process.kill(pid, "SIGCONT");
    },
  };
}

/** Where kubelet keeps a pod. */
export function podDirectory(uid: string): string {
  return `/var/lib/kubelet/pods/${uid}`;
}

/** Mounts of pods' volumes on the node. */
export async function mountsOfPods(): Promise<readonly string[]> {
  const lines = (await readFile("/proc/self/mountinfo", "utf8")).split("\n");
  return lines.filter((line) => line.includes("/pods/") && line.includes("kubernetes.io~csi"));
}

/** Mounts of a pod's volumes on the node. */
export async function mountsOfPod(uid: string): Promise<readonly string[]> {
  return (await mountsOfPods()).filter((line) => line.includes(`/pods/${uid}/`));
}

/** Anonymous memory and proportional share of the plugin's process, in MiB. */
export async function processMemory(): Promise<{ readonly anonymous: number; readonly pss: number }> {
  const text = await readFile(`/proc/${(await pluginPid()) ?? 0}/smaps_rollup`, "utf8");
  const mebibytes = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(text)?.[1]) / 1024;
  return { anonymous: mebibytes("Anonymous"), pss: mebibytes("Pss") };
}

async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return stat !== "" && !stat.includes(") Z ");
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
