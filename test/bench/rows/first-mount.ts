import { single, spread, type Row } from "../row.ts";
import type { Requests } from "../emulator.ts";
import type { Stage } from "../stage.ts";
import { repeat } from "../timing.ts";

const SAMPLES = 20;

interface Mount extends Requests {
  readonly publish: number;
}

/** One pod at a time, each with secrets that nobody has asked for before. */
function firstMount(secrets: number, identity: "known" | "new"): Row {
  return {
    name: `mount-${identity}-${secrets}`,
    title: `a pod's first mount of ${secrets === 1 ? "1 secret" : `${secrets} secrets`}, ${identity === "known" ? "identity known" : "an identity that the plugin has not seen"}`,
    figures: [spread("publish", "ms"), single("vault requests", ""), single("token requests", "")],
    measure: async (stage) => {
      await stage.warmUp();
      const mounts = await repeat(SAMPLES, () => mountOnce(stage, secrets, identity));
      if (identity === "new" && mounts.some(({ token }) => token === 0))
        throw new Error("the plugin knew the identity: it asked for no token");
      return {
        publish: mounts.map(({ publish }) => publish),
        "vault requests": mounts.map(({ vault }) => vault),
        "token requests": mounts.map(({ token }) => token),
      };
    },
  };
}

async function mountOnce(stage: Stage, secrets: number, identity: "known" | "new"): Promise<Mount> {
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

export const firstMounts: readonly Row[] = (["known", "new"] as const).flatMap((identity) =>
  [1, 10, 50].map((secrets) => firstMount(secrets, identity)),
);
