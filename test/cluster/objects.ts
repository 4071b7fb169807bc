import { cluster, type TestCluster } from "./cluster.ts";

/** The Secret with the credentials of a service principal that may read demo-vault. */
export const credentials = "demo-creds";

/** Where every container sees its first volume. */
export const mountPath = "/mnt/secrets-store";

export function credentialsSecret(name: string, of: Partial<TestCluster["demo"]> = {}): object {
  const { clientId: clientid, clientSecret: clientsecret } = { ...cluster.demo, ...of };
  const stringData = { clientid, clientsecret };
  return { apiVersion: "v1", kind: "Secret", metadata: { name }, stringData };
}

export interface ClassAdditions {
  /** Of every object. */
  readonly fields?: object;
  /** Beside those that every class has, or in their place. */
  readonly parameters?: object;
}

/** A class of secrets in demo-vault, of the public cloud: it names none. */
export function secretClass(name: string, secrets: readonly string[], additions: ClassAdditions = {}): object {
  const objects = secrets.map((objectName) =>
    JSON.stringify({ objectName, objectType: "secret", ...additions.fields }),
  );
  const parameters = {
    keyvaultName: "demo-vault",
    tenantId: cluster.tenantId,
    objects: JSON.stringify({ array: objects }),
    ...additions.parameters,
  };
  return {
    apiVersion: "secrets-store.csi.x-k8s.io/v1",
    kind: "SecretProviderClass",
    metadata: { name },
    spec: { provider: "azure", parameters },
  };
}

/** A class whose one object is also a Kubernetes Secret, under the key `password`; of the class's name unless another is given. */
export function syncedClass(name: string, object: string, secretName = name): object {
  const spc = secretClass(name, [object]) as { readonly spec: object };
  const data = [{ objectName: object, key: "password" }];
  return { ...spc, spec: { ...spc.spec, secretObjects: [{ secretName, type: "Opaque", data }] } };
}

export function serviceAccount(name: string): object {
  return { apiVersion: "v1", kind: "ServiceAccount", metadata: { name } };
}

export interface PodShape {
  readonly name: string;
  /** One volume each, mounted at `mountPath`, `mountPath-2` and so on. */
  readonly classes: readonly string[];
  /** A file that must be there, whole, when the container starts; without it the pod fails for good. */
  readonly needs: string;
  /** The Secret that every volume names; `demo-creds` when left out. */
  readonly credentials?: string;
  /** The pod proves itself by this service account, and its volumes name no Secret. */
  readonly serviceAccountName?: string;
  readonly securityContext?: object;
  readonly volumeMounts?: readonly object[];
}

export interface PodObject {
  readonly apiVersion: "v1";
  readonly kind: "Pod";
  readonly metadata: { readonly name: string };
  readonly spec: object;
}

/** A pod that fails if it starts before its volume is complete. */
export function pod(shape: PodShape): PodObject {
  const { name, classes, needs, serviceAccountName, securityContext = {} } = shape;
  const mounts = classes.map((_, index) => ({
    name: `secrets-${index + 1}`,
    mountPath: index === 0 ? mountPath : `${mountPath}-${index + 1}`,
    readOnly: true,
  }));
  const container = {
    name: "busybox",
    image: "registry.k8s.io/e2e-test-images/busybox:1.29-4",
    command: ["sh", "-c", `test -s ${needs} && exec sleep 10000`],
    volumeMounts: shape.volumeMounts ?? mounts,
  };
  const spec = {
    restartPolicy: "Never",
    terminationGracePeriodSeconds: 1,
    securityContext,
    containers: [container],
    volumes: volumesOf(shape),
    ...(serviceAccountName !== undefined && { serviceAccountName }),
  };
  return { apiVersion: "v1", kind: "Pod", metadata: { name }, spec };
}

function volumesOf({ classes, serviceAccountName, credentials: secret = credentials }: PodShape): readonly object[] {
  return classes.map((secretProviderClass, index) => ({
    name: `secrets-${index + 1}`,
    csi: {
      driver: "secrets-store.csi.k8s.io",
      readOnly: true,
      volumeAttributes: { secretProviderClass },
      ...(serviceAccountName === undefined && { nodePublishSecretRef: { name: secret } }),
    },
  }));
}

/** So many pods of one shape, labelled `app=<name>`. */
export function deployment(shape: PodShape, replicas: number): object {
  const { name } = shape;
  const labels = { app: name };
  // Deployments know no other policy.
  const template = { metadata: { labels }, spec: { ...pod(shape).spec, restartPolicy: "Always" } };
  const spec = { replicas, selector: { matchLabels: labels }, template };
  return { apiVersion: "apps/v1", kind: "Deployment", metadata: { name }, spec };
}
