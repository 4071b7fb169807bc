import type { LiveSecret, OwnerReference, SecretObject, Volume } from "../../src/model.ts";
import type { Secrets } from "../../src/ports.ts";
import { createKeyedLock } from "../../src/sync/keyed-lock.ts";
import { MANAGED } from "../../src/sync/marks.ts";
import { syncSecrets, type SecretOutcome, type SyncPorts } from "../../src/sync/sync.ts";
import { contentOf, createFakePodStatuses, type FakePodStatuses } from "./ports.ts";
import { createFakePfx, createFakePods, createFakeSecrets, type FakePods, type FakeSecrets } from "./secrets.ts";
import { aVolume, noSignal } from "./volumes.ts";

export const owner = (uid: string, name = "web-1"): OwnerReference => ({
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  name,
  uid,
});
export const password = { objectName: "password", key: "pw" };
export const db: SecretObject = {
  secretName: "db",
  type: "",
  labels: { team: "blue" },
  annotations: {},
  data: [password],
};
export const noData = `failed to get data in spc shop/vault for secret`;

export let api: FakeSecrets;
export let pods: FakePods;
export let statuses: FakePodStatuses;

/** A cluster with the pod of a ReplicaSet, and no Secret. */
export function reset(): void {
  resetSecrets();
  pods = createFakePods();
  statuses = createFakePodStatuses();
  podOf(aVolume, [owner("rs")]);
}

export function resetSecrets(): void {
  api = createFakeSecrets();
}

export function podOf({ pod }: Volume, owners: readonly OwnerReference[], more: object = {}): void {
  pods.held.set(`${pod.namespace}/${pod.name}`, { uid: pod.uid, owners, ending: false, ...more });
}

export interface Wishes {
  readonly objects?: readonly SecretObject[];
  readonly className?: string;
  readonly volume?: Volume;
  readonly password?: string;
  readonly writtenAt?: Date;
  readonly fresh?: boolean;
  readonly ports?: Partial<SyncPorts>;
}

export function sync(wishes: Wishes = {}): Promise<readonly SecretOutcome[]> {
  const { objects = [db], className = "vault", volume = aVolume, password = "hunter2" } = wishes;
  const { writtenAt = new Date(0), fresh = true } = wishes;
  const ref = { namespace: "shop", name: className };
  const secretProviderClass = { ref, provider: "azure", parameters: {}, secretObjects: objects };
  const own = { secrets: api, pods, statuses, pfx: createFakePfx(), tokenTypesAllowed: false };
  // Locks of its own: each call is another node.
  const ports = { ...own, locks: createKeyedLock(), backoff: () => Promise.resolve(), ...wishes.ports };
  const { files } = contentOf({ password });
  return syncSecrets({ volume, secretProviderClass, files, writtenAt, fresh }, ports, noSignal);
}

export async function outcomes(wishes?: Wishes): Promise<readonly string[]> {
  return (await sync(wishes)).map(({ outcome }) => outcome);
}

export function held(name = "db"): LiveSecret | undefined {
  return api.held.get(`shop/${name}`);
}

export function writes(): readonly string[] {
  return api.calls.filter((call) => !call.startsWith("read"));
}

/** Whoever asks for the Secret `db` is told this. */
export function failing(error: Error): Secrets {
  return { ...api, read: (ref, signal) => (ref.name === "db" ? Promise.reject(error) : api.read(ref, signal)) };
}

/** Each call waits before it does something. */
export function paused(secrets: Secrets, pause: () => Promise<unknown>): Secrets {
  return {
    read: (...args) => pause().then(() => secrets.read(...args)),
    create: (...args) => pause().then(() => secrets.create(...args)),
    patch: (...args) => pause().then(() => secrets.patch(...args)),
  };
}

export function put(more: Partial<LiveSecret>, name = "db"): void {
  const marked = { labels: { [MANAGED]: "true" }, annotations: {}, owners: [], data: {} };
  const ref = { namespace: "shop", name };
  const live = {
    ref,
    type: "Opaque",
    uid: "there",
    resourceVersion: "0",
    immutable: false,
    altered: false,
    ...marked,
    ...more,
  };
  api.held.set(`shop/${name}`, live);
}
