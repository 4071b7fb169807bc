import { randomUUID } from "node:crypto";
import type { AllCounters } from "../emulator/control.ts";
import { credentialsSecret, misspelling, mounted, tutorial, type PodShape } from "./objects.ts";
import type { Stage } from "./stage.ts";

/** How the demo's pod proves who it is, and how that looks when it is wrong. */
export interface DemoIdentity {
  readonly title: string;
  /** Parameters of its SecretProviderClass, beside vault, tenant and objects. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly pod: Pick<PodShape, "credentials" | "serviceAccountName">;
  /** Makes Azure know it, and lets it read the vault. */
  prepare(on: Stage): Promise<void>;
  /** By which the vault knows it. */
  objectId(on: Stage): string;
  /** Who gave the token: what it was asked. */
  asked(counters: AllCounters): Readonly<Record<string, number>>;
  /** Each pod has its own: what the vault tells one is not told another. */
  readonly ofEachPod?: true;
  readonly wrong: WrongIdentity;
}

/** A pod that does not prove it. */
export interface WrongIdentity {
  readonly title: string;
  readonly shape: Partial<PodShape>;
  prepare?(on: Stage): Promise<void>;
  /** What the user must read. */
  readonly words: readonly string[];
}

const clientId = randomUUID();
const objectId = randomUUID();
const issuer = "https://kubernetes.default.svc.cluster.local";
const subject = "system:serviceaccount:default:web";

/** demo-vault's access policy of an identity: may it read secrets, or nothing? */
export async function setAccess(on: Stage, objectId: string, mayRead: boolean): Promise<void> {
  await on.tell(`/vaults/demo-vault/access/${objectId}`, mayRead ? { secrets: ["get"] } : {});
}

async function grant(on: Stage): Promise<{ tenantId: string; clientId: string; objectId: string }> {
  await setAccess(on, objectId, true);
  return { tenantId: on.settings.tenantId, clientId, objectId };
}

const principal: DemoIdentity = {
  title: "a service principal, by nodePublishSecretRef",
  parameters: { usePodIdentity: "false" },
  pod: { credentials: tutorial.credentials },
  prepare: (on) => on.apply(credentialsSecret(tutorial.credentials, on.settings.demo)),
  objectId: (on) => on.settings.demo.objectId,
  asked: ({ entra }) => entra.answers,
  wrong: {
    title: "A wrong client secret",
    shape: { credentials: "stale-creds" },
    prepare: (on) =>
      on.apply(credentialsSecret("stale-creds", { ...on.settings.demo, clientSecret: "expired-long-ago" })),
    words: ["AADSTS7000215", "The client secret is wrong"],
  },
};

const workload: DemoIdentity = {
  title: "workload identity: the pod's service account, no Secret",
  parameters: { clientID: clientId },
  pod: { serviceAccountName: "web" },
  prepare: async (on) => {
    const { tenantId } = await grant(on);
    await on.tell("/entra/apps", { tenantId, clientId, objectId });
    await on.tell("/entra/federations", {
      tenantId,
      clientId,
      issuer,
      subject,
      audience: "api://AzureADTokenExchange",
    });
  },
  objectId: () => objectId,
  asked: ({ entra }) => entra.answers,
  wrong: {
    title: "Another service account",
    shape: { serviceAccountName: "other" },
    words: ["AADSTS700213", "add one with issuer", "subject system:serviceaccount:default:other"],
  },
};

const binding: DemoIdentity = {
  title: "AKS identity binding: the service account, by the cluster's token proxy",
  parameters: { clientID: clientId, useAzureTokenProxy: "true" },
  pod: { serviceAccountName: "web" },
  prepare: async (on) => on.tell("/token-proxy/bindings", { ...(await grant(on)), subject }),
  objectId: () => objectId,
  asked: ({ tokenProxy }) => tokenProxy.answers,
  wrong: {
    title: "A service account that may not use the identity",
    shape: { serviceAccountName: "other" },
    words: ["The token proxy refused the sign-in", "let service account default/other use it"],
  },
};

const managed: DemoIdentity = {
  title: "a managed identity of the node, by its metadata service",
  parameters: { useVMManagedIdentity: "true", userAssignedIdentityID: clientId },
  pod: {},
  prepare: async (on) => on.tell("/imds/identities", await grant(on)),
  objectId: () => objectId,
  asked: ({ imds }) => imds.answers,
  wrong: {
    title: "An identity that the node does not have",
    shape: { parameters: { userAssignedIdentityID: randomUUID() } },
    words: ["The node does not have that identity", "userAssignedIdentityID"],
  },
};

const pod: DemoIdentity = {
  title: "pod identity: what aad-pod-identity has bound to the pod",
  parameters: { usePodIdentity: "true" },
  pod: {},
  prepare: async (on) => {
    const identity = await grant(on);
    for (const podName of [...mounted, misspelling])
      await on.tell("/nmi/bindings", { ...identity, namespace: "default", podName });
  },
  objectId: () => objectId,
  asked: ({ nmi }) => nmi.answers,
  ofEachPod: true,
  wrong: {
    title: "A pod that nothing is bound to",
    shape: {},
    words: ["nmi response failed with status code: 404", "AzureIdentityBinding"],
  },
};

/** What `--identity` takes. */
export const identities: Readonly<Record<string, DemoIdentity>> = { principal, workload, binding, managed, pod };
