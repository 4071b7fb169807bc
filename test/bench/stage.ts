import { join } from "node:path";
import { createKubelet } from "../../src/emulator/kubelet.ts";
import type { KubernetesObject } from "../../src/emulator/kubernetes/objects.ts";
import { openSigningKey } from "../../src/emulator/signing-key.ts";
import type { Cloud } from "./emulator.ts";
import { createPods, type KubeletView, type Pods, type PodsShape } from "./pods.ts";
import { cpuSeconds } from "./process-figures.ts";
import { rest } from "./rest.ts";
import { spellingsOf } from "./spellings.ts";
import type { Subject } from "./subject.ts";

/** What a row works with: one plugin, and the world around it. */
export interface Stage {
  readonly subject: Subject;
  readonly cloud: Cloud;
  /** Leaves the plugin alone, for as long as it is before its memory is looked at; kubelet's probes go on. */
  rest(): Promise<void>;
  createPods(shape: PodsShape): Promise<Pods>;
  /** A client id that the plugin has not seen. */
  newClientId(): string;
  /** Has the plugin mount something, so that what it loads at the first use is loaded and the identity is known. */
  warmUp(): Promise<void>;
  /** CPU seconds that the plugin used while the work was done. */
  cpuOf(work: () => Promise<unknown>): Promise<number>;
  /** Takes away what rows have left behind, whatever became of them. */
  clear(): Promise<void>;
}

export async function createStage(cloud: Cloud, subject: Subject, settleMs: number): Promise<Stage> {
  const view = await createView(cloud, subject);
  const clientIds = spellingsOf(cloud.settings.demo.clientId);
  const left = new Set<Pods>();
  const create = async (shape: PodsShape): Promise<Pods> => {
    const pods = await createPods(view, shape);
    left.add(pods);
    return pods;
  };
  const clear = async (): Promise<void> => {
    const removed = [...left].map((pods) => pods.remove());
    left.clear();
    await Promise.allSettled(removed);
  };
  return {
    subject,
    cloud,
    rest: () => rest(settleMs, subject.healthUrl),
    createPods: create,
    newClientId: () => clientIds.next().value,
    warmUp: async () => {
      const pods = await create({ pods: 1, secrets: 1 });
      for (const name of pods.names) await pods.publish(name);
      await clear();
    },
    cpuOf: async (work) => {
      const before = await cpuSeconds(subject.pids());
      await work();
      return (await cpuSeconds(subject.pids())) - before;
    },
    clear,
  };
}

/** A kubelet that asks nobody: it would be measured too. So it has one token for all pods; the vault's identity is the class's. */
async function createView(cloud: Cloud, { socketPath, kubeletRoot }: Subject): Promise<KubeletView> {
  const known = new Map<string, KubernetesObject>();
  const signingKey = await openSigningKey(join(cloud.dir, "service-account-key.json"));
  const token = await signingKey.sign({ sub: "bench", exp: Math.floor(Date.now() / 1000) + 86_400 });
  const kubelet = createKubelet({
    socketPath,
    root: kubeletRoot,
    cluster: { ...cloud.cluster, get: ({ plural, name }) => Promise.resolve(known.get(`${plural}/${name}`)) },
    signingKey: { ...signingKey, sign: () => Promise.resolve(token) },
    tokensIn: "secrets",
  });
  return {
    cloud,
    kubelet,
    add: async (plural, object) => {
      await cloud.cluster.put(object);
      known.set(`${plural}/${object.metadata.name}`, object);
    },
    drop: async (plural, name) => {
      await cloud.cluster.delete({ plural, namespace: "default", name });
      known.delete(`${plural}/${name}`);
    },
  };
}
