import { rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Kubelet } from "../../src/emulator/kubelet.ts";
import type { KubernetesObject } from "../../src/emulator/kubernetes/objects.ts";
import type { Cloud } from "./emulator.ts";
import { credentials, mirroring, pod, replicaSet, secretProviderClass } from "./manifests.ts";
import { inFlight, timed } from "./timing.ts";

/** Pods with one volume each, all of one class of so many secrets that nobody has asked for before. */
export interface PodsShape {
  readonly pods: number;
  readonly secrets: number;
  /** By default the one that may read the vault, as it is written there. */
  readonly clientId?: string;
  /** Whether each secret is mirrored as a Kubernetes Secret; the pods are then replicas of one ReplicaSet. */
  readonly synced?: boolean;
}

/** Pods that are in the cluster; publish and unpublish give the ms that kubelet waits for them. */
export interface Pods {
  readonly names: readonly string[];
  /** In the vault. */
  readonly secretNames: readonly string[];
  publish(name: string): Promise<number>;
  unpublish(name: string): Promise<number>;
  /** Unpublishes what is left and takes everything out of the cluster. */
  remove(): Promise<void>;
}

/** Puts objects into the cluster for kubelet, which then has them at hand as the watch of a real one does. */
export interface KubeletView {
  readonly cloud: Cloud;
  readonly kubelet: Kubelet;
  add(plural: string, object: KubernetesObject): Promise<void>;
  drop(plural: string, name: string): Promise<void>;
}

let created = 0;

export async function createPods(
  view: KubeletView,
  { pods, secrets, clientId, synced = false }: PodsShape,
): Promise<Pods> {
  const group = `bench-${process.pid}-${(created += 1)}`;
  const names = Array.from({ length: pods }, (_, index) => `${group}-${index + 1}`);
  const secretNames = Array.from({ length: secrets }, (_, index) => `${group}-secret-${index + 1}`);
  await inFlight(16, secretNames, (name) => view.cloud.setSecret(name, "x".repeat(64)));
  await view.add("secrets", credentials(group, view.cloud, clientId));
  const spc = secretProviderClass(group, view.cloud, secretNames);
  await view.add("secretproviderclasses", synced ? mirroring(spc, secretNames) : spc);
  const owner = synced ? await addOwner(view, group) : undefined;
  await inFlight(16, names, (name) => view.add("pods", pod(name, group, owner)));
  const published = new Set<string>();
  const unpublish = async (name: string): Promise<number> => {
    const ms = await timed(() => view.kubelet.unpublish(name));
    published.delete(name);
    return ms;
  };
  return {
    names,
    secretNames,
    publish: (name) => {
      published.add(name);
      return timed(() => view.kubelet.publish(name));
    },
    unpublish,
    remove: async () => {
      await inFlight(16, [...published], (name) => unpublish(name).catch(() => unpublish(name)));
      await inFlight(16, names, async (name) => removeDirectories(await view.kubelet.targets(name)));
      await inFlight(16, names, (name) => view.drop("pods", name));
      if (owner !== undefined) await view.drop("replicasets", group);
      await view.drop("secretproviderclasses", group);
      await view.drop("secrets", group);
    },
  };
}

async function addOwner({ cloud, add }: KubeletView, name: string): Promise<KubernetesObject> {
  await cloud.allowSecretSync();
  const owner = replicaSet(name);
  await add("replicasets", owner);
  return owner;
}

/** What kubelet removes when a pod is gone; not below something that is still mounted. */
async function removeDirectories(targets: readonly string[]): Promise<void> {
  for (const target of targets) {
    const volume = dirname(target);
    const pod = join(volume, "../../..");
    for (const path of [target, volume, dirname(volume), join(pod, "volumes"), pod])
      await rmdir(path).catch(() => undefined);
  }
}
