import { createClient } from "../../../src/grpc/client.ts";
import { single, spread, worst, type Row } from "../row.ts";
import type { Pods } from "../pods.ts";
import { inFlight, repeat, timed } from "../timing.ts";
import { createStorm, IN_FLIGHT, publishAll } from "./storm.ts";

const CALLS = 50;

const republish: Row = {
  name: "republish",
  title: `${CALLS} more publishes of a volume of 10 secrets in which nothing has changed`,
  figures: [
    spread("publish", "ms"),
    single("CPU", "s"),
    single("vault requests", ""),
    single("token requests", ""),
    single("API server requests", ""),
  ],
  measure: async (stage) => {
    const pods = await stage.createPods({ pods: 1, secrets: 10 });
    const [name = ""] = pods.names;
    await pods.publish(name);
    let publish: readonly number[] = [];
    let cpu = 0;
    const requests = await stage.cloud.requestsOf(async () => {
      cpu = await stage.cpuOf(async () => (publish = await repeat(CALLS, () => pods.publish(name))));
    });
    return {
      publish,
      CPU: [cpu],
      "vault requests": [requests.vault],
      "token requests": [requests.token],
      "API server requests": [requests.apiServer],
    };
  },
};

const unmount: Row = {
  name: "unmount",
  title: `unmount of ${CALLS} volumes of 10 secrets, one at a time`,
  figures: [spread("unpublish", "ms")],
  measure: async (stage) => {
    const pods = await stage.createPods({ pods: CALLS, secrets: 10 });
    await publishAll(pods);
    return { unpublish: await inFlight(1, pods.names, pods.unpublish) };
  },
};

const unmountStorm: Row = {
  name: "unmount-storm",
  title: `unmount of 100 volumes of 10 secrets, ${IN_FLIGHT} in flight; what failed was asked for again`,
  figures: [single("wall", "ms"), spread("unpublish", "ms"), worst("failures of 100", ""), single("CPU", "s")],
  measure: async (stage) => {
    const pods = await createStorm(stage);
    await publishAll(pods);
    let wall = 0;
    let unpublish: readonly number[] = [];
    const cpu = await stage.cpuOf(async () => {
      wall = await timed(async () => (unpublish = await inFlight(IN_FLIGHT, pods.names, orNaN(pods))));
    });
    const good = unpublish.filter((ms) => !Number.isNaN(ms));
    return { wall: [wall], unpublish: good, "failures of 100": [unpublish.length - good.length], CPU: [cpu] };
  },
};

/** A failed call is no sample; kubelet asks again later, here the clearing does. */
function orNaN({ unpublish }: Pods): (name: string) => Promise<number> {
  return (name) => unpublish(name).catch(() => Number.NaN);
}

const connection: Row = {
  name: "connection",
  title:
    "a Probe on a connection of its own to an idle plugin: the part of each call above that is the bench's and gRPC's",
  figures: [spread("Probe", "ms")],
  measure: async ({ subject, warmUp }) => {
    await warmUp();
    const probe = async (): Promise<void> => {
      const client = createClient(subject.socketPath);
      await client.identity.probe().finally(client.close);
    };
    return { Probe: await repeat(CALLS, () => timed(probe)) };
  },
};

export const volumeCalls: readonly Row[] = [republish, unmount, unmountStorm, connection];
