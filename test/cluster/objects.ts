import { cluster } from "./cluster.ts";

/** The Secret with the credentials of a service principal that may read demo-vault. */
export const credentials = "demo-creds";

/** Where every container sees its first volume. */
export const mountPath = "/mnt/secrets-store";

export function credentialsSecret(name: string, clientSecret = cluster.demo.clientSecret): object {
  const stringData = { clientid: cluster.demo.clientId, clientsecret: clientSecret };
  return { apiVersion: "v1", kind: "Secret", metadata: { name }, stringData };
}

/** A class of secrets in demo-vault; more fields go to every object. */
export function secretClass(name: string, secrets: readonly string[], fields: object = {}): object {
  const objects = secrets.map((objectName) => JSON.stringify({ objectName, objectType: "secret", ...fields }));
  const parameters = {
    keyvaultName: "demo-vault",
    tenantId: cluster.tenantId,
    objects: JSON.stringify({ array: objects }),
  };
  return {
    apiVersion: "secrets-store.csi.x-k8s.io/v1",
    kind: "SecretProviderClass",
    metadata: { name },
    spec: { provider: "azure", parameters },
  };
}

export interface PodShape {
  readonly name: string;
  /** One volume each, mounted at `mountPath`, `mountPath-2` and so on. */
  readonly classes: readonly string[];
  /** A file that must be there, whole, when the container starts; without it the pod fails for good. */
  readonly needs: string;
  readonly credentials?: string;
  readonly securityContext?: object;
  readonly volumeMounts?: readonly object[];
}

/** A pod that fails if it starts before its volume is complete. */
export function pod(shape: PodShape): object {
  const { name, classes, needs, securityContext = {} } = shape;
  const named = classes.map((className, index) => ({ className, name: `secrets-${index + 1}`, index }));
  const mounts = named.map(({ name: volume, index }) => ({
    name: volume,
    mountPath: index === 0 ? mountPath : `${mountPath}-${index + 1}`,
    readOnly: true,
  }));
  const container = {
    name: "busybox",
    image: "registry.k8s.io/e2e-test-images/busybox:1.29-4",
    command: ["sh", "-c", `test -s ${needs} && exec sleep 10000`],
    volumeMounts: shape.volumeMounts ?? mounts,
  };
  const volumes = named.map(({ name: volume, className }) => ({
    name: volume,
    csi: {
      driver: "secrets-store.csi.k8s.io",
      readOnly: true,
      volumeAttributes: { secretProviderClass: className },
      nodePublishSecretRef: { name: shape.credentials ?? credentials },
    },
  }));
  const spec = {
    restartPolicy: "Never",
    terminationGracePeriodSeconds: 1,
    securityContext,
    containers: [container],
    volumes,
  };
  return { apiVersion: "v1", kind: "Pod", metadata: { name }, spec };
}
