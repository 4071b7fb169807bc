import { startRotation } from "../passes.ts";
import type { PodsShape } from "../pods.ts";
import { memory } from "../process-figures.ts";
import { single, type Row, type Samples } from "../row.ts";
import type { Stage } from "../stage.ts";
import { inFlight, repeat } from "../timing.ts";
import { IN_FLIGHT } from "./storm.ts";

/** Passes are alike: CPU time is counted in hundredths of a second, so it is that of several. */
const PASSES = 5;
const WATCHED = 3;

/** Passes over the volumes of one class. */
interface PassShape {
  readonly name: string;
  readonly title: string;
  readonly pods: PodsShape;
  /** How many of the class's secrets have a new version each time. */
  readonly changed: number;
}

export function passRow({ name, title, pods: shape, changed }: PassShape): Row {
  return {
    name,
    title,
    figures: [
      single("wall", "ms"),
      single("CPU", "ms"),
      single("vault requests", ""),
      single("token requests", ""),
      single("class reads", ""),
      single("API server requests", ""),
      single("API writes", ""),
      single("PSS", "MiB"),
      single("RSS", "MiB"),
    ],
    startsProcesses: true,
    measure: (stage) => measurePasses(stage, shape, changed),
  };
}

async function measurePasses(stage: Stage, shape: PodsShape, changed: number): Promise<Samples> {
  const { cloud, subject } = stage;
  const passes = await startRotation(subject, shape.pods);
  const pods = await stage.createPods(shape);
  await inFlight(IN_FLIGHT, pods.names, pods.publish);
  await passes.oneOver();
  let versions = 0;
  const change = (): Promise<unknown> => {
    versions += 1;
    return inFlight(16, pods.secretNames.slice(0, changed), (name) => cloud.setSecret(name, `version ${versions}`));
  };
  const before = await passes.refreshed();
  let cpu = 0;
  const requests = await cloud.requestsOf(async () => {
    cpu = await stage.cpuOf(() =>
      repeat(PASSES, async () => {
        await change();
        await passes.oneOver();
      }),
    );
  });
  const made = (await passes.refreshed()) - before;
  if (made !== PASSES * shape.pods) throw new Error(`${made} refreshes are not those of ${PASSES} passes`);
  const wall = await repeat(WATCHED, async () => {
    await change();
    return passes.duration();
  });
  const { pss, rss } = await memory(subject.pids());
  return {
    wall,
    CPU: [(cpu * 1000) / PASSES],
    "vault requests": [requests.vault / PASSES],
    "token requests": [requests.token / PASSES],
    "class reads": [requests.classReads / PASSES],
    "API server requests": [requests.apiServer / PASSES],
    "API writes": [requests.apiWrites / PASSES],
    PSS: [pss],
    RSS: [rss],
  };
}

export const rotationPasses: readonly Row[] = [10, 40, 100, 200, 500].flatMap((pods) =>
  [0, 1].map((changed) =>
    passRow({
      name: changed === 0 ? `pass-${pods}` : `pass-${pods}-changed`,
      title: `a rotation pass over ${pods} volumes of one class of 10 secrets, ${changed === 0 ? "nothing" : "one secret"} changed`,
      pods: { pods, secrets: 10 },
      changed,
    }),
  ),
);
