import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { connect } from "node:net";
import { basename } from "node:path";
import { argvOf, endDaemon, processes } from "./node.ts";
import { run, until } from "./shell.ts";

/** Why the node cannot be restarted; undefined when it can. Whatever runs in containers of this machine dies with it. */
export function whyNoReboot(): string | undefined {
  return process.env["CLUSTER_TEST_BED"] === undefined ? "only a bed's node may be restarted" : undefined;
}

/**
 * The node goes down hard and comes up again: kubelet, the container runtime and every container are killed, and what was
 * mounted in memory is gone, as after a loss of power. The kernel goes on, and so does the control plane.
 */
export async function restartNode(): Promise<void> {
  const socket = await runtimeSocket();
  const startKubelet = await endDaemon("kubelet", "SIGKILL");
  const startRuntime = await endDaemon("containerd", "SIGKILL");
  await killContainers();
  for (const place of await mountsOfContainers()) await run(["umount", "--lazy", place]);
  await startRuntime();
  // Without a runtime kubelet would end at once.
  await until("the container runtime answers", () => isListening(socket));
  await startKubelet();
}

/** The runtime's socket, as its shims were told. */
async function runtimeSocket(): Promise<string> {
  const [shim = 0] = await shims();
  const argv = await argvOf(String(shim));
  return argv[argv.indexOf("-address") + 1] ?? "";
}

function shims(): Promise<readonly number[]> {
  return processes(([program = ""]) => basename(program).startsWith("containerd-shim"));
}

async function isListening(socket: string): Promise<boolean> {
  const connection = connect(socket);
  const found = await once(connection, "connect").then(
    () => true,
    () => false,
  );
  connection.destroy();
  return found;
}

async function killContainers(): Promise<void> {
  for (const pid of [...(await shims()), ...(await processesOfPods())]) kill(pid);
  await until("every container has ended", async () => (await processesOfPods()).length === 0);
}

/** By kubelet's cgroup, of version 2, or of each controller of version 1. */
async function processesOfPods(): Promise<readonly number[]> {
  const root = "/sys/fs/cgroup";
  const controllers = (await readdir(root, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const groups = ["kubepods", ...controllers.map(({ name }) => `${name}/kubepods`)];
  const lists = await Promise.all(groups.map((group) => processesIn(`${root}/${group}`)));
  return [...new Set(lists.flat())];
}

async function processesIn(group: string): Promise<readonly number[]> {
  const names = await readdir(group, { recursive: true }).catch(() => []);
  const files = names.filter((name) => basename(name) === "cgroup.procs");
  const texts = await Promise.all(files.map((file) => readFile(`${group}/${file}`, "utf8").catch(() => "")));
  // Those of other namespaces are 0.
  return texts.flatMap((text) => text.split("\n").map(Number)).filter((pid) => pid > 0);
}

/** Who has ended meanwhile is welcome to. */
function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Volumes of pods, and what the runtime mounted for containers; deepest first. */
async function mountsOfContainers(): Promise<readonly string[]> {
  const lines = (await readFile("/proc/self/mountinfo", "utf8")).split("\n");
  const places = lines.map((line) => (line.split(" ")[4] ?? "").replaceAll(/\\040/g, " "));
  return places
    .filter((place) => /\/kubelet\/pods\/|\/containerd\/state\//.test(place))
    .toSorted()
    .toReversed();
}
