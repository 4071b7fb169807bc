import { DriverError } from "../../src/errors.ts";
import type {
  Content,
  ContentRequest,
  LivePodStatus,
  ObjectRef,
  Payload,
  PodEvent,
  PodRef,
  PodStatus,
  SecretProviderClass,
} from "../../src/model.ts";
import type {
  Classes,
  Events,
  Freshness,
  Metrics,
  Mounter,
  PodStatuses,
  Providers,
  TargetState,
  VolumeFiles,
} from "../../src/ports.ts";

/** Mounts in memory: what is not in the map is absent. */
export interface FakeMounter extends Mounter {
  readonly states: Map<string, TargetState>;
  readonly calls: string[];
}

/** Volumes in memory: what was written, by directory. */
export interface FakeVolumeFiles extends VolumeFiles {
  readonly volumes: Map<string, { readonly payload: Payload; readonly group: number | undefined }>;
  readonly calls: string[];
  /** Thrown by the next writes while it is set. */
  failure: unknown;
}

/** Mounts and files as on one node: an unmount takes the content along. */
export function createFakeNode(): { readonly mounter: FakeMounter; readonly files: FakeVolumeFiles } {
  const states: FakeMounter["states"] = new Map();
  const volumes: FakeVolumeFiles["volumes"] = new Map();
  const calls: string[] = [];
  const mounter: FakeMounter = {
    states,
    calls,
    look: (target) => Promise.resolve(states.get(target) ?? "absent"),
    mountTmpfs: (target) => {
      calls.push("mount");
      states.set(target, "mounted");
      return Promise.resolve();
    },
    unmount: (target) => {
      calls.push("unmount");
      states.delete(target);
      volumes.delete(target);
      return Promise.resolve();
    },
  };
  const files: FakeVolumeFiles = {
    volumes,
    calls,
    failure: undefined,
    isPopulated: (dir) => Promise.resolve(volumes.has(dir)),
    write: (dir, payload, group) => {
      calls.push("write");
      if (files.failure !== undefined) return Promise.reject(asError(files.failure));
      if (payload.length === 0) return Promise.resolve("unchanged");
      const same = JSON.stringify(volumes.get(dir)?.payload) === JSON.stringify(payload);
      volumes.set(dir, { payload, group });
      return Promise.resolve(same ? "unchanged" : "changed");
    },
    writtenAt: () => Promise.resolve(new Date(0)),
    read: (dir) => Promise.resolve(volumes.get(dir)?.payload ?? []),
    clear: (dir) => {
      calls.push("clear");
      volumes.delete(dir);
      return Promise.resolve();
    },
  };
  return { mounter, files };
}

/** SecretProviderClasses by `namespace/name`. */
export interface FakeClasses extends Classes {
  readonly held: Map<string, Omit<SecretProviderClass, "ref" | "secretObjects"> & Partial<SecretProviderClass>>;
  readonly reads: string[];
  /** Thrown by the next reads while it is set. */
  failure: unknown;
}

export function createFakeClasses(): FakeClasses {
  const held: FakeClasses["held"] = new Map();
  const classes: FakeClasses = {
    held,
    reads: [],
    failure: undefined,
    read: (ref) => {
      classes.reads.push(keyOf(ref));
      if (classes.failure !== undefined) return Promise.reject(asError(classes.failure));
      const found = held.get(keyOf(ref));
      if (found) return Promise.resolve({ secretObjects: [], ...found, ref });
      return Promise.reject(new DriverError("SecretProviderClassNotFound", `${keyOf(ref)} not found`));
    },
  };
  return classes;
}

/** Pod statuses by `namespace/name`. */
export interface FakePodStatuses extends PodStatuses {
  readonly applied: PodStatus[];
  readonly reads: ObjectRef[];
  readonly live: Map<string, LivePodStatus>;
  /** Thrown by the next calls while it is set. */
  failure: unknown;
}

export function createFakePodStatuses(): FakePodStatuses {
  const statuses: FakePodStatuses = {
    applied: [],
    reads: [],
    live: new Map(),
    failure: undefined,
    apply: (status) => {
      if (statuses.failure !== undefined) return Promise.reject(asError(statuses.failure));
      statuses.applied.push(status);
      statuses.live.set(keyOf(status.ref), { uid: `status-of-${status.pod.uid}`, ownerUids: [status.pod.uid] });
      return Promise.resolve();
    },
    read: (ref) => {
      if (statuses.failure !== undefined) return Promise.reject(asError(statuses.failure));
      statuses.reads.push(ref);
      return Promise.resolve(statuses.live.get(keyOf(ref)));
    },
  };
  return statuses;
}

/** Events, as they were recorded. */
export interface FakeEvents extends Events {
  readonly recorded: (PodEvent & { readonly pod: PodRef })[];
}

export function createFakeEvents(): FakeEvents {
  const recorded: FakeEvents["recorded"] = [];
  return { recorded, record: (pod, event) => void recorded.push({ pod, ...event }) };
}

/** What was counted: the name of the method and what it was told. */
export interface FakeMetrics extends Metrics {
  readonly counted: (readonly [string, unknown])[];
}

export function createFakeMetrics(): FakeMetrics {
  const counted: FakeMetrics["counted"] = [];
  const count = (name: string) => (what: unknown) => void counted.push([name, what]);
  return {
    counted,
    kubernetesRequest: count("kubernetesRequest"),
    published: count("published"),
    unpublished: count("unpublished"),
    rotated: count("rotated"),
    secretSynced: count("secretSynced"),
    vaultRequest: count("vaultRequest"),
    watchVaults: () => undefined,
    rotatesEvery: count("rotatesEvery"),
    watchAges: () => undefined,
  };
}

/** Providers that answer as `answer` says: azure, and selfwriting, which may write into the target by itself. */
export interface FakeProviders extends Providers {
  readonly requests: ContentRequest[];
  readonly freshness: Freshness[];
  answer: (request: ContentRequest, signal: AbortSignal) => Promise<Content>;
}

export function createFakeProviders(): FakeProviders {
  const providers: FakeProviders = {
    requests: [],
    freshness: [],
    answer: () => Promise.resolve(contentOf({ password: "hunter2" })),
    writesIntoTarget: (name) => name === "selfwriting",
    named: (name) => {
      if (!["azure", "selfwriting"].includes(name))
        throw new DriverError("ProviderNotFound", `provider not found: ${name}`);
      return {
        fetch: (request, freshness, signal) => {
          providers.requests.push(request);
          providers.freshness.push(freshness);
          return providers.answer(request, signal);
        },
      };
    },
  };
  return providers;
}

/** Text files, each an object in version 1. */
export function contentOf(texts: Readonly<Record<string, string>>): Content {
  return {
    files: Object.entries(texts).map(([path, text]) => ({ path, mode: 0o644, contents: Buffer.from(text) })),
    versions: Object.keys(texts).map((path) => ({ id: `secret/${path}`, version: "1" })),
  };
}

function keyOf({ namespace, name }: ObjectRef): string {
  return `${namespace}/${name}`;
}

function asError(failure: unknown): Error {
  return failure instanceof Error ? failure : new Error(String(failure));
}
