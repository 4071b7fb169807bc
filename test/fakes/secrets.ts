import { DriverError } from "../../src/errors.ts";
import type { DesiredSecret, LivePod, LiveSecret, ObjectRef, SecretChanges } from "../../src/model.ts";
import type { PfxReader, Pods, Secrets } from "../../src/ports.ts";

/** Pods by `namespace/name`. */
export interface FakePods extends Pods {
  readonly held: Map<string, LivePod>;
}

export function createFakePods(): FakePods {
  const held: FakePods["held"] = new Map();
  return { held, read: (ref) => Promise.resolve(held.get(keyOf(ref))) };
}

/** Secrets by `namespace/name`, changed as the API server would. */
export interface FakeSecrets extends Secrets {
  readonly held: Map<string, LiveSecret>;
  /** Each call, as `read shop/db`. */
  readonly calls: string[];
  /** Thrown by the next calls while it is set. */
  failure: Error | undefined;
}

export function createFakeSecrets(): FakeSecrets {
  const held: FakeSecrets["held"] = new Map();
  let version = 0;
  const put = (secret: LiveSecret): void =>
    void held.set(keyOf(secret.ref), { ...secret, resourceVersion: String((version += 1)) });
  const call = async <T>(what: string, ref: ObjectRef, act: () => T): Promise<T> => {
    secrets.calls.push(`${what} ${keyOf(ref)}`);
    await Promise.resolve();
    if (secrets.failure !== undefined) throw secrets.failure;
    return act();
  };
  const secrets: FakeSecrets = {
    held,
    calls: [],
    failure: undefined,
    read: (ref) => call("read", ref, () => held.get(keyOf(ref))),
    create: (secret) =>
      call("create", secret.ref, () => {
        if (held.has(keyOf(secret.ref))) return "exists";
        put(newSecret(secret));
        return "created";
      }),
    patch: (seen, changes) =>
      call("patch", seen.ref, () => {
        const live = held.get(keyOf(seen.ref));
        if (live?.resourceVersion !== seen.resourceVersion) return "conflict";
        put(changed(live, changes));
        return "patched";
      }),
  };
  return secrets;
}

function newSecret(secret: DesiredSecret): LiveSecret {
  return { ...secret, uid: `uid-of-${keyOf(secret.ref)}`, resourceVersion: "0", immutable: false, altered: false };
}

function changed(live: LiveSecret, { labels, annotations, data, owners }: SecretChanges): LiveSecret {
  const ofThem = new Map([...live.owners, ...owners].map((owner) => [owner.uid, owner]));
  return {
    ...live,
    labels: merged(live.labels, labels),
    annotations: merged(live.annotations, annotations),
    data: merged(live.data, data),
    owners: [...ofThem.values()],
    altered: false,
  };
}

function merged<T>(live: Readonly<Record<string, T>>, changes: Readonly<Record<string, T | null>>): Record<string, T> {
  const entries = new Map<string, T | null>([...Object.entries(live), ...Object.entries(changes)]);
  return Object.fromEntries([...entries].filter((entry): entry is [string, T] => entry[1] !== null));
}

/** Reads the given files (as latin1 text) to the given PEM, and refuses any other. */
export function createFakePfx(files: Readonly<Record<string, string>> = {}): PfxReader {
  return {
    toPem: (pfx) => {
      const pem = files[Buffer.from(pfx).toString("latin1")];
      return pem === undefined
        ? Promise.reject(new DriverError("ProviderError", "pkcs12: error reading P12 data"))
        : Promise.resolve(pem);
    },
  };
}

function keyOf({ namespace, name }: ObjectRef): string {
  return `${namespace}/${name}`;
}
