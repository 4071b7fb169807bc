import { setTimeout as delay } from "node:timers/promises";
import { single, spread, type Row, type Samples } from "../row.ts";
import type { Requests } from "../emulator.ts";
import type { Stage } from "../stage.ts";
import { repeat } from "../timing.ts";

const SAMPLES = 20;
const RESTS = 5;
/** Servers close what was idle for 5 s (the emulator's vault), the plugin after 10 (the API server's). */
const REST_MS = 12_000;

interface Mount extends Requests {
  readonly publish: number;
}

type Identity = "known" | "new";

const figures = [
  spread("publish", "ms"),
  single("vault requests", ""),
  single("token requests", ""),
  single("API server requests", ""),
];

/** One pod at a time, each with secrets that nobody has asked for before. */
function firstMount(secrets: number, identity: Identity): Row {
  return {
    name: `mount-${identity}-${secrets}`,
    title: `a pod's first mount of ${secrets === 1 ? "1 secret" : `${secrets} secrets`}, ${identity === "known" ? "identity known" : "an identity that the plugin has not seen"}`,
    figures,
    measure: async (stage) => {
      await stage.warmUp();
      const mounts = await repeat(SAMPLES, () => mountOnce(stage, secrets, identity));
      if (identity === "new" && mounts.some(({ token }) => token === 0))
        throw new Error("the plugin knew the identity: it asked for no token");
      return samplesOf(mounts);
    },
  };
}

const afterRest: Row = {
  name: "mount-rested-10",
  title: `a pod's first mount of 10 secrets, identity known, when nobody has asked for anything for ${REST_MS / 1000} s: every connection is new`,
  figures,
  measure: async (stage) => {
    await stage.warmUp();
    const mount = async (): Promise<Mount> => {
      await delay(REST_MS);
      return mountOnce(stage, 10, "known");
    };
    return samplesOf(await repeat(RESTS, mount));
  },
};

function samplesOf(mounts: readonly Mount[]): Samples {
  return {
    publish: mounts.map(({ publish }) => publish),
    "vault requests": mounts.map(({ vault }) => vault),
    "token requests": mounts.map(({ token }) => token),
    "API server requests": mounts.map(({ apiServer }) => apiServer),
  };
}

async function mountOnce(stage: Stage, secrets: number, identity: Identity): Promise<Mount> {
  const pods = await stage.createPods({
    pods: 1,
    secrets,
    ...(identity === "new" && { clientId: stage.newClientId() }),
  });
  const [name = ""] = pods.names;
  let publish = 0;
  const requests = await stage.cloud.requestsOf(async () => {
    publish = await pods.publish(name);
  });
  await stage.clear();
  return { publish, ...requests };
}

export const firstMounts: readonly Row[] = [
  ...(["known", "new"] as const).flatMap((identity) => [1, 10, 50].map((secrets) => firstMount(secrets, identity))),
  afterRest,
];
