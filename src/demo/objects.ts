import type { EmulatorSettings, ServicePrincipal } from "../emulator/settings.ts";

/** The tutorial's objects with its placeholders filled in; the two cloud lines lead to the emulator in place of Azure. */
export interface TutorialPod {
  readonly pod: string;
  readonly secretProviderClass: string;
  readonly objectName: string;
  readonly credentials: string;
}

export const tutorial: TutorialPod = {
  pod: "busybox-secrets-store-inline",
  secretProviderClass: "akvprovider-demo",
  objectName: "DemoSecret",
  credentials: "secrets-store-creds",
};

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

export function secretProviderClass(names: TutorialPod, { tenantId }: EmulatorSettings, cloudFile: string): string {
  return `
apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata:
  name: ${names.secretProviderClass}
spec:
  provider: azure
  parameters:
    usePodIdentity: "false"
    keyvaultName: demo-vault
    objects:  |
      array:
        - |
          objectName: ${names.objectName}
          objectType: secret             # object types: secret, key or cert
          objectVersion: ""              # [OPTIONAL] object versions, default to latest if empty
    tenantId: ${tenantId}
    cloudName: AzureStackCloud
    cloudEnvFileName: ${cloudFile}
`;
}

export function podManifest(names: TutorialPod): string {
  return `
kind: Pod
apiVersion: v1
metadata:
  name: ${names.pod}
spec:
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
          secretProviderClass: "${names.secretProviderClass}"
        nodePublishSecretRef:
          name: ${names.credentials}
`;
}
