import { spread, type Row } from "../row.ts";
import type { Stage } from "../stage.ts";
import { inFlight, repeat, timed } from "../timing.ts";
import { IN_FLIGHT } from "./storm.ts";

const CALLS = 20;

/** What each call costs on a node that has so many volumes already. */
function beside(volumes: number): Row {
  return {
    name: `beside-${volumes}`,
    title: `${CALLS} mounts of 10 secrets that are known, their republishes and unmounts, and scrapes, beside ${volumes} volumes of 10 secrets`,
    figures: ["publish", "republish", "unpublish", "scrape"].map((name) => spread(name, "ms")),
    measure: async (stage) => {
      const pods = await stage.createPods({ pods: volumes + CALLS, secrets: 10 });
      await inFlight(IN_FLIGHT, pods.names.slice(CALLS), pods.publish);
      const others = pods.names.slice(0, CALLS);
      const publish = await inFlight(1, others, pods.publish);
      const republish = await inFlight(1, others, pods.publish);
      const scrape = await scrapes(stage);
      return { publish, republish, scrape, unpublish: await inFlight(1, others, pods.unpublish) };
    },
  };
}

async function scrapes({ subject: { metricsUrl } }: Stage): Promise<readonly number[]> {
  if (metricsUrl === undefined) return [];
  return repeat(CALLS, () => timed(async () => (await fetch(metricsUrl)).text()));
}

export const besideOthers: readonly Row[] = [10, 100, 500].map(beside);
