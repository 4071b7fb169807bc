import { randomUUID } from "node:crypto";
import { rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Kubelet } from "../../src/emulator/kubelet.ts";
import type { KubernetesObject } from "../../src/emulator/kubernetes/objects.ts";
import type { Cloud } from "./emulator.ts";
import { inFlight, timed } from "./timing.ts";

/** Pods with one volume each, all of one class of so many secrets that nobody has asked for before. */
export interface PodsShape {
  readonly pods: number;
  readonly secrets: number;
  /** By default the one that may read the vault, as it is written there. */
  readonly clientId?: string;
}

/** Pods that are in the cluster; publish and unpublish give the ms that kubelet waits for them. */
export interface Pods {
  readonly names: readonly string[];
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

export async function createPods(view: KubeletView, { pods, secrets, clientId }: PodsShape): Promise<Pods> {
  const group = `bench-${process.pid}-${(created += 1)}`;
  const names = Array.from({ length: pods }, (_, index) => `${group}-${index + 1}`);
  const secretNames = Array.from({ length: secrets }, (_, index) => `${group}-secret-${index + 1}`);
  await inFlight(16, secretNames, (name) => view.cloud.setSecret(name, "x".repeat(64)));
  await view.add("secrets", credentials(group, view.cloud, clientId));
  await view.add("secretproviderclasses", secretProviderClass(group, view.cloud, secretNames));
  await inFlight(16, names, (name) => view.add("pods", pod(name, group)));
  const published = new Set<string>();
  const unpublish = async (name: string): Promise<number> => {
    const ms = await timed(() => view.kubelet.unpublish(name));
    published.delete(name);
    return ms;
  };
  return {
    names,
    publish: (name) => {
      published.add(name);
      return timed(() => view.kubelet.publish(name));
    },
    unpublish,
    remove: async () => {
      await inFlight(16, [...published], (name) => unpublish(name).catch(() => unpublish(name)));
      await inFlight(16, names, async (name) => removeDirectories(await view.kubelet.targets(name)));
      await inFlight(16, names, (name) => view.drop("pods", name));
      await view.drop("secretproviderclasses", group);
      await view.drop("secrets", group);
    },
  };
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

function object(kind: string, name: string, rest: object): KubernetesObject {
  const apiVersion = kind === "SecretProviderClass" ? "secrets-store.csi.x-k8s.io/v1" : "v1";
  return { apiVersion, kind, metadata: { name, namespace: "default", uid: randomUUID() }, ...rest };
}

function credentials(name: string, { settings: { demo } }: Cloud, clientId = demo.clientId): KubernetesObject {
  const encode = (text: string): string => Buffer.from(text).toString("base64");
  return object("Secret", name, {
    data: { clientid: encode(clientId), clientsecret: encode(demo.clientSecret) },
  });
}

function secretProviderClass(name: string, { dir, settings }: Cloud, secrets: readonly string[]): KubernetesObject {
  const objects = secrets.map((secret) => `  - |\n    objectName: ${secret}\n    objectType: secret\n`);
  const parameters = {
    keyvaultName: "demo-vault",
    tenantId: settings.tenantId,
    cloudName: "AzureStackCloud",
    cloudEnvFileName: `${dir}/cloud.json`,
    objects: `array:\n${objects.join("")}`,
  };
  return object("SecretProviderClass", name, { spec: { provider: "azure", parameters } });
}

function pod(name: string, group: string): KubernetesObject {
  const csi = {
    driver: "secrets-store.csi.k8s.io",
    readOnly: true,
    volumeAttributes: { secretProviderClass: group },
    nodePublishSecretRef: { name: group },
  };
  return object("Pod", name, { spec: { volumes: [{ name: "secrets", csi }] } });
}
