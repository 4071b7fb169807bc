import { randomUUID } from "node:crypto";
import type { KubernetesObject, OwnerReference } from "../../src/emulator/kubernetes/objects.ts";
import type { Cloud } from "./emulator.ts";

const apiVersions: Readonly<Record<string, string>> = {
  ReplicaSet: "apps/v1",
  SecretProviderClass: "secrets-store.csi.x-k8s.io/v1",
};

function object(kind: string, name: string, rest: object): KubernetesObject {
  const apiVersion = apiVersions[kind] ?? "v1";
  return { apiVersion, kind, metadata: { name, namespace: "default", uid: randomUUID() }, ...rest };
}

export function credentials(name: string, { settings: { demo } }: Cloud, clientId = demo.clientId): KubernetesObject {
  const encode = (text: string): string => Buffer.from(text).toString("base64");
  return object("Secret", name, {
    data: { clientid: encode(clientId), clientsecret: encode(demo.clientSecret) },
  });
}

export function secretProviderClass(
  name: string,
  { dir, settings }: Cloud,
  secrets: readonly string[],
): KubernetesObject {
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

/** The same class, with a Kubernetes Secret for each object. */
export function mirroring(spc: KubernetesObject, objects: readonly string[]): KubernetesObject {
  const secretObjects = objects.map((objectName) => ({
    secretName: objectName,
    type: "Opaque",
    data: [{ objectName, key: "value" }],
  }));
  return { ...spc, spec: { ...(spc["spec"] as object), secretObjects } };
}

export function replicaSet(name: string): KubernetesObject {
  return object("ReplicaSet", name, {});
}

/** A pod with a volume of the class, of an owner if it has one. */
export function pod(name: string, group: string, owner?: KubernetesObject): KubernetesObject {
  const csi = {
    driver: "secrets-store.csi.k8s.io",
    readOnly: true,
    volumeAttributes: { secretProviderClass: group },
    nodePublishSecretRef: { name: group },
  };
  const made = object("Pod", name, { spec: { volumes: [{ name: "secrets", csi }] } });
  return owner === undefined ? made : { ...made, metadata: { ...made.metadata, ownerReferences: [ownedBy(owner)] } };
}

function ownedBy({ apiVersion, kind, metadata: { name, uid = "" } }: KubernetesObject): OwnerReference {
  return { apiVersion, kind, name, uid };
}
