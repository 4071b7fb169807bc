import { stringify } from "yaml";
import { manifestsHash } from "../../src/formats/manifest.ts";
import type { KubernetesObject, ObjectEvent } from "../../src/release-model.ts";
import { createHealer, SETTLE_MS } from "../../src/reconcile/healer.ts";
import { DESIRED_SECRET } from "../../src/reconcile/desired.ts";
import { createFakeLog, type FakeLog } from "./log.ts";
import { createFakeObjects, type FakeObjects } from "./objects.ts";

const namespace = "kube-system";

/** A release with its reconciler, and a time that goes when the test says so. */
export interface Reconciled {
  readonly objects: FakeObjects;
  readonly log: FakeLog;
  readonly events: ObjectEvent[];
  readonly counted: string[];
  /** How many objects the metric says are held. */
  held(): number;
  /** What the release consists of from now on: Helm writes the Secret, the objects if asked, the Deployment. */
  upgrade(objects: readonly KubernetesObject[], how?: { readonly onlySecret?: boolean }): void;
  /** Helm writes one object, with its marks. */
  helm(object: KubernetesObject): void;
  /** So many seconds go by, with a look in each. */
  pass(seconds: number): Promise<void>;
  readonly secret: KubernetesObject;
  readonly deployment: KubernetesObject;
}

export const account: KubernetesObject = {
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { name: "plugin", namespace },
};
export const role: KubernetesObject = {
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRole",
  metadata: { name: "plugin-role", labels: { app: "plugin" } },
  rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }],
};
export const daemonSet: KubernetesObject = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "plugin", namespace, labels: { app: "plugin" } },
  spec: {
    selector: { matchLabels: { app: "plugin" } },
    template: {
      metadata: { labels: { app: "plugin" } },
      spec: { serviceAccountName: "plugin", containers: [{ name: "plugin", image: "plugin:1" }] },
    },
  },
};

/** Seconds until something that strayed is seen, and until a new release is held. */
export const SEEN = 4;
export const SETTLED = SETTLE_MS / 1000 + 2;

export function createReconciled(): Reconciled {
  const objects = createFakeObjects();
  const log = createFakeLog();
  const events: ObjectEvent[] = [];
  const counted: string[] = [];
  let held = -1;
  let now = 0;
  const means = {
    ...{ objects, watches: objects, log },
    events: { record: (_: KubernetesObject, event: ObjectEvent) => void events.push(event) },
    metrics: {
      restored: ({ kind, name, how }: { kind: string; name: string; how: string }) => {
        counted.push(`${how} ${kind} ${name}`);
      },
      failed: ({ kind, name }: { kind: string; name: string }) => void counted.push(`failed ${kind} ${name}`),
      holds: (count: number) => {
        held = count;
      },
    },
    elapsed: () => now,
    clock: () => new Date(Date.UTC(2026, 0, 1) + now),
  };
  const healer = createHealer(means, namespace);
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: DESIRED_SECRET, namespace } };
  const metadata = { name: "azure-keyvault-csi-reconciler", namespace };
  const deployment = { apiVersion: "apps/v1", kind: "Deployment", metadata };
  const marks = { "meta.helm.sh/release-name": "demo" };
  const helm = (object: KubernetesObject): void => {
    objects.put({ ...object, metadata: { ...object.metadata, annotations: marks } });
  };
  return {
    ...{ objects, log, events, counted, secret, deployment, helm },
    held: () => held,
    upgrade: (wanted, { onlySecret = false } = {}) => {
      const manifests = Buffer.from(wanted.map((object) => stringify(object)).join("---\n"));
      const annotations = { "checksum/desired": manifestsHash(manifests), ...marks };
      objects.put({
        ...secret,
        metadata: { ...secret.metadata, annotations },
        data: { "manifests.yaml": manifests.toString("base64") },
      });
      if (onlySecret) return;
      for (const object of wanted) helm(object);
      objects.put({ ...deployment, metadata: { ...metadata, annotations } });
    },
    pass: async (seconds) => {
      for (let second = 0; second < seconds; second++) {
        now += 1_000;
        await healer.tick(new AbortController().signal);
      }
    },
  };
}
