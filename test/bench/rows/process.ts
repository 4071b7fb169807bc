import { cpuSeconds, memory } from "../process-figures.ts";
import { single, type Row } from "../row.ts";
import { inFlight, repeat } from "../timing.ts";
import { IN_FLIGHT } from "./storm.ts";

const STARTS = 5;

const start: Row = {
  name: "start",
  title: "from the start of the process to its first good answer to Probe",
  figures: [single("to Probe", "ms"), single("CPU", "s")],
  startsProcesses: true,
  measure: async ({ subject: { restart, pids } }) => {
    if (restart === undefined) throw new Error("this plugin is not ours to start");
    const starts = await repeat(STARTS, async () => ({ ms: await restart(), cpu: await cpuSeconds(pids()) }));
    return { "to Probe": starts.map(({ ms }) => ms), CPU: starts.map(({ cpu }) => cpu) };
  },
};

function memoryWith(volumes: number): Row {
  return {
    name: volumes === 0 ? "memory-idle" : `memory-${volumes}`,
    title: volumes === 0 ? "memory of an idle process" : `memory with ${volumes} volumes of one class of 10 secrets`,
    figures: [single("PSS", "MiB"), single("RSS", "MiB"), single("anonymous", "MiB")],
    measure: async (stage) => {
      if (volumes > 0) {
        const pods = await stage.createPods({ pods: volumes, secrets: 10 });
        await inFlight(IN_FLIGHT, pods.names, pods.publish);
      }
      await stage.rest();
      const { pss, rss, anonymous } = await memory(stage.subject.pids());
      return { PSS: [pss], RSS: [rss], anonymous: [anonymous] };
    },
  };
}

export const processRows: readonly Row[] = [start, ...[0, 10, 40, 100, 200, 500].map(memoryWith)];
