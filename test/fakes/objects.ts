import { DriverError } from "../../src/errors.ts";
import type { KubernetesObject } from "../../src/release-model.ts";
import type { Objects, Watches } from "../../src/release-ports.ts";
import { keyOf } from "../../src/reconcile/desired.ts";

/** Objects in memory, written as an API server does it as far as the reconciler is concerned. Lists are replaced whole. */
export interface FakeObjects extends Objects, Watches {
  /** `replace DaemonSet a` and so on, in order; rehearsals are no writes. */
  readonly writes: string[];
  /** What others do: it is heard of, and no write of ours. */
  put(object: KubernetesObject): void;
  remove(object: KubernetesObject): void;
  get(object: KubernetesObject): KubernetesObject;
  /** Before every write, and every rehearsal of one. */
  admission: (object: KubernetesObject) => KubernetesObject;
  /** Whether what differs may not be changed. */
  immutable: (wanted: KubernetesObject, live: KubernetesObject) => boolean;
  /** Thrown by every call that writes. */
  refuses: DriverError | undefined;
  /** Called before each write is done. */
  beforeWrite: () => void;
}

export function createFakeObjects(): FakeObjects {
  const stored = new Map<string, KubernetesObject>();
  const ears = new Map<string, () => void>();
  let versions = 0;
  const tell = (object: KubernetesObject): void => ears.get(keyOf(object))?.();
  const store = (object: KubernetesObject): KubernetesObject => {
    const uid = stored.get(keyOf(object))?.metadata.uid ?? `uid-${++versions}`;
    const whole = { ...object, metadata: { ...object.metadata, uid, resourceVersion: String(++versions) } };
    stored.set(keyOf(object), structuredClone(whole));
    tell(object);
    return whole;
  };
  const live = (object: KubernetesObject): KubernetesObject => {
    const found = stored.get(keyOf(object));
    if (found === undefined) throw new DriverError("InvalidRequest", `no ${keyOf(object)}`);
    return found;
  };
  const write = (verb: string, object: KubernetesObject): void => {
    fake.beforeWrite();
    if (fake.refuses) throw fake.refuses;
    fake.writes.push(`${verb} ${object.kind} ${object.metadata.name}`);
  };
  const fake: FakeObjects = {
    writes: [],
    admission: (object) => object,
    immutable: () => false,
    refuses: undefined,
    beforeWrite: () => undefined,
    put: store,
    remove: (object) => {
      stored.delete(keyOf(object));
      tell(object);
    },
    get: (object) => structuredClone(live(object)),
    read: (object) => Promise.resolve(structuredClone(stored.get(keyOf(object)))),
    rehearse: (object) =>
      Promise.resolve(fake.immutable(object, live(object)) ? "immutable" : fake.admission(structuredClone(object))),
    replace: async (object) => {
      await Promise.resolve();
      write("replace", object);
      if (object.metadata.resourceVersion !== live(object).metadata.resourceVersion)
        throw new DriverError("Busy", "changed by others");
      store(fake.admission(object));
    },
    apply: async (object) => {
      await Promise.resolve();
      write("apply", object);
      return store(fake.admission(merged(stored.get(keyOf(object)), object) as KubernetesObject));
    },
    merge: async (object, fields) => {
      await Promise.resolve();
      write("merge", object);
      store(fake.admission(merged(live(object), fields) as KubernetesObject));
    },
    delete: async (object) => {
      await Promise.resolve();
      write("delete", object);
      stored.delete(keyOf(object));
    },
    follow: (object, heard) => {
      ears.set(keyOf(object), heard);
      return {
        stop: () => {
          ears.delete(keyOf(object));
        },
      };
    },
  };
  return fake;
}

function merged(below: unknown, above: unknown): unknown {
  if (!isMap(below) || !isMap(above)) return structuredClone(above);
  const names = [...new Set([...Object.keys(below), ...Object.keys(above)])];
  return Object.fromEntries(
    names.map(
      (name) => [name, name in above ? merged(below[name], above[name]) : structuredClone(below[name])] as const,
    ),
  );
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
