import { probeDuring } from "../prober.ts";
import { single, spread, type Row, type Samples } from "../row.ts";
import type { Pods } from "../pods.ts";
import type { Stage } from "../stage.ts";
import { inFlight, timed } from "../timing.ts";

/** As kubelet has it when a node comes up. */
const PODS = 100;
const SECRETS = 10;
export const IN_FLIGHT = 30;

const figures = [
  single("wall", "ms"),
  spread("publish", "ms"),
  single("CPU", "s"),
  single("vault requests", ""),
  single("token requests", ""),
  single("API server requests", ""),
];

async function storm(stage: Stage): Promise<Samples> {
  const pods = await createStorm(stage);
  let wall = 0;
  let publish: readonly number[] = [];
  let cpu = 0;
  const requests = await stage.cloud.requestsOf(async () => {
    cpu = await stage.cpuOf(async () => {
      wall = await timed(async () => (publish = await publishAll(pods)));
    });
  });
  await stage.clear();
  return {
    wall: [wall],
    publish,
    CPU: [cpu],
    "vault requests": [requests.vault],
    "token requests": [requests.token],
    "API server requests": [requests.apiServer],
  };
}

export function createStorm(stage: Stage): Promise<Pods> {
  return stage.createPods({ pods: PODS, secrets: SECRETS });
}

export function publishAll(pods: Pods): Promise<readonly number[]> {
  return inFlight(IN_FLIGHT, pods.names, pods.publish);
}

const fresh: Row = {
  name: "storm",
  title: `${PODS} pods of one class of ${SECRETS} secrets, ${IN_FLIGHT} publishes in flight; the first of that process`,
  figures,
  measure: storm,
};

const again: Row = {
  name: "storm-again",
  title: "the storm once more in the same process, with another class",
  figures,
  measure: async (stage) => {
    await stage.warmUp();
    await storm(stage);
    return storm(stage);
  },
};

const probed: Row = {
  name: "probe-in-storm",
  title: "delay of the plugin's event loop, seen from outside: Probe every 20 ms on one connection during the storm",
  figures: [spread("Probe", "ms", [50, 99])],
  measure: async (stage) => {
    await stage.warmUp();
    const pods = await createStorm(stage);
    return { Probe: await probeDuring(stage.subject.socketPath, () => publishAll(pods)) };
  },
};

export const storms: readonly Row[] = [fresh, again, probed];
