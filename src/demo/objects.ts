import type { EmulatorSettings, ServicePrincipal } from "../emulator/settings.ts";

/** A pod, and what it reads. */
export interface PodShape {
  readonly pod: string;
  readonly secretProviderClass: string;
  readonly objectName: string;
  /** Of the class, beside vault, tenant, objects and the two cloud lines, which lead to the emulator in place of Azure. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The Secret that nodePublishSecretRef shape. */
  readonly credentials?: string;
  readonly serviceAccountName?: string;
  /** spec.secretObjects of the class: which Kubernetes Secrets mirror the volume. */
  readonly secretObjects?: readonly object[];
}

/** The tutorial's shape. */
export const tutorial = {
  pod: "busybox-secrets-store-inline",
  secretProviderClass: "akvprovider-demo",
  objectName: "DemoSecret",
  credentials: "secrets-store-creds",
} as const;

/** The pod whose class misspells the secret's name. */
export const misspelling = "wrong-name";

/** More pods of the tutorial's class. */
export const crowd: readonly string[] = Array.from({ length: 9 }, (_, index) => `busybox-${index + 2}`);

/** A pod of a certificate that is mirrored as a Secret for an ingress. */
export const shop = {
  pod: "shop",
  secretProviderClass: "akvprovider-tls",
  objectName: "shop-cert",
  secretObjects: [
    {
      secretName: "shop-tls",
      type: "kubernetes.io/tls",
      labels: { app: "shop" },
      data: ["tls.crt", "tls.key"].map((key) => ({ objectName: "shop-cert", key })),
    },
  ],
} as const;

/** The pods that have volumes in the end. */
export const mounted: readonly string[] = [tutorial.pod, ...crowd, shop.pod];

export const shopSecret = { plural: "secrets", namespace: "default", name: shop.secretObjects[0].secretName } as const;

/** `kubectl create secret generic secrets-store-creds --from-literal clientid=… --from-literal clientsecret=…` */
export function credentialsSecret(
  name: string,
  { clientId, clientSecret }: Omit<ServicePrincipal, "objectId">,
): string {
  return `
kind: Secret
apiVersion: v1
metadata:
  name: ${name}
  labels:
    secrets-store.csi.k8s.io/used: "true"
stringData:
  clientid: ${JSON.stringify(clientId)}
  clientsecret: ${JSON.stringify(clientSecret)}
`;
}

export function secretProviderClass(shape: PodShape, { tenantId }: EmulatorSettings, cloudFile: string): string {
  const parameters = Object.entries(shape.parameters).map(([key, value]) => `    ${key}: ${JSON.stringify(value)}`);
  return `
apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata:
  name: ${shape.secretProviderClass}
spec:
  provider: azure
  secretObjects: ${JSON.stringify(shape.secretObjects ?? [])}
  parameters:
${parameters.join("\n")}
    keyvaultName: demo-vault
    objects:  |
      array:
        - |
          objectName: ${shape.objectName}
          objectType: secret             # object types: secret, key or cert
          objectVersion: ""              # [OPTIONAL] object versions, default to latest if empty
    tenantId: ${tenantId}
    cloudName: AzureStackCloud
    cloudEnvFileName: ${cloudFile}
`;
}

export function podManifest(shape: PodShape): string {
  const { credentials, serviceAccountName } = shape;
  const account = serviceAccountName === undefined ? "" : `\n  serviceAccountName: ${serviceAccountName}`;
  const secretRef = credentials === undefined ? "" : `\n        nodePublishSecretRef:\n          name: ${credentials}`;
  return `
kind: Pod
apiVersion: v1
metadata:
  name: ${shape.pod}
spec:${account}
  containers:
    - name: busybox
      image: k8s.gcr.io/e2e-test-images/busybox:1.29
      command:
        - "/bin/sleep"
        - "10000"
      volumeMounts:
      - name: secrets-store01-inline
        mountPath: "/mnt/secrets-store"
        readOnly: true
  volumes:
    - name: secrets-store01-inline
      csi:
        driver: secrets-store.csi.k8s.io
        readOnly: true
        volumeAttributes:
          secretProviderClass: "${shape.secretProviderClass}"${secretRef}
`;
}
