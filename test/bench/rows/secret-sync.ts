import type { Pods } from "../pods.ts";
import { single, type Row, type Samples } from "../row.ts";
import type { Stage } from "../stage.ts";
import { repeat } from "../timing.ts";
import { passRow } from "./rotation.ts";

const SECRETS = 50;
const SAMPLES = 5;
const shape = { secrets: SECRETS, synced: true } as const;

/** The mount of one replica after another: what each but the first finds has been written by the first. */
function mountRow(name: string, title: string, replica: 1 | 2): Row {
  return {
    name,
    title,
    figures: [
      single("wall", "ms"),
      single("CPU", "ms"),
      single("vault requests", ""),
      single("API server requests", ""),
      single("API writes", ""),
    ],
    measure: async (stage) => {
      await stage.warmUp();
      const mounts = await repeat(SAMPLES, () => mountOnce(stage, replica));
      const figure = (name: string): readonly number[] => mounts.flatMap((samples) => samples[name] ?? []);
      return Object.fromEntries(Object.keys(mounts[0] ?? {}).map((name) => [name, figure(name)]));
    },
  };
}

async function mountOnce(stage: Stage, replica: 1 | 2): Promise<Samples> {
  const pods = await stage.createPods({ ...shape, pods: replica });
  for (const name of pods.names.slice(0, -1)) await pods.publish(name);
  const samples = await publishLast(stage, pods);
  await stage.clear();
  return samples;
}

async function publishLast({ cloud, cpuOf }: Stage, { names, publish }: Pods): Promise<Samples> {
  let wall = 0;
  let cpu = 0;
  const requests = await cloud.requestsOf(async () => {
    cpu = await cpuOf(async () => (wall = await publish(names.at(-1) ?? "")));
  });
  return {
    wall: [wall],
    CPU: [cpu * 1000],
    "vault requests": [requests.vault],
    "API server requests": [requests.apiServer],
    "API writes": [requests.apiWrites],
  };
}

const one = { ...shape, pods: 1 } as const;

export const secretSyncs: readonly Row[] = [
  mountRow("sync-create", `a pod's first mount, which makes ${SECRETS} Kubernetes Secrets of ${SECRETS} secrets`, 1),
  mountRow("sync-replica", `the mount of a second replica: its ${SECRETS} Kubernetes Secrets are right already`, 2),
  passRow({
    name: "sync-pass",
    title: `a rotation pass over that volume, nothing changed`,
    pods: one,
    changed: 0,
  }),
  passRow({
    name: "sync-pass-changed",
    title: `a rotation pass over that volume, all ${SECRETS} secrets changed`,
    pods: one,
    changed: SECRETS,
  }),
];
