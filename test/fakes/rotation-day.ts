import { DriverError } from "../../src/errors.ts";
import type { ContentRequest, Content, Payload, PublishRequest } from "../../src/model.ts";
import { createNotices } from "../../src/rotation/notices.ts";
import { dropOverdue } from "../../src/rotation/overdue.ts";
import { createRotation } from "../../src/rotation/pass.ts";
import { repair } from "../../src/rotation/repair.ts";
import { publishVolume } from "../../src/volume/publish.ts";
import { createKeyedLock } from "../../src/sync/keyed-lock.ts";
import { unpublishVolume } from "../../src/volume/unpublish.ts";
import type { VolumePorts } from "../../src/volume/volume-ports.ts";
import { createVolumes, type KnownVolume } from "../../src/volume/volumes.ts";
import { createTimeline, type Timeline } from "./timeline.ts";
import { aRequest, aVolume, createCoreWorld, type CoreWorld } from "./volumes.ts";

const MINUTE_MS = 60_000;
const INTERVAL_MS = 2 * MINUTE_MS;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** What goes wrong from some minute on, for some minutes; of a vault: for volumes of one class. */
export interface Trouble {
  readonly what:
    "vault fails" | "vault hangs" | "vault is slow" | "API is away" | "files cannot be written" | "kubelet is away";
  readonly atMinute: number;
  readonly forMinutes: number;
  readonly className: string;
}

/** What happens on purpose at a minute. */
export interface Happening {
  readonly what: "new version" | "restart of the pod" | "restart of the plugin";
  readonly atMinute: number;
  readonly volume: number;
}

export interface Day {
  readonly volumes: number;
  readonly troubles: readonly Trouble[];
  readonly happenings: readonly Happening[];
}

/** What was seen of a day. */
export interface Seen {
  readonly world: CoreWorld;
  readonly known: readonly KnownVolume[];
  /** Each broken rule, as a sentence. */
  readonly violations: readonly string[];
  /** The version that the vault has at the end, of each class. */
  readonly latest: ReadonlyMap<string, number>;
  readonly mostFetchesAtOnce: number;
  readonly eventsOfPods: ReadonlyMap<string, number>;
}

export const classNames = ["alpha", "beta", "gamma"] as const;

function classOf(index: number): string {
  return classNames[index % classNames.length] ?? "";
}

/** Volume `index`: a pod of its own, one of three classes. */
function requestOf(index: number, generation: number): PublishRequest {
  const uid = `pod-${index}-${generation}`;
  const pod = { ...aVolume.pod, name: `pod-${index}`, uid };
  const volume = { ...aVolume, pod, className: classOf(index), targetPath: `/pods/${uid}/mount` };
  return { ...aRequest, volume };
}

/** Vaults of three classes whose versions count up; a content holds two files that are of one version. */
interface Vaults {
  readonly latest: Map<string, number>;
  answer(request: ContentRequest, signal: AbortSignal): Promise<Content>;
}

/** Lives through 24 hours of a node's rotation, on a clock of its own. In the last half hour nothing goes wrong. */
export async function liveThrough(day: Day): Promise<Seen> {
  const world = createCoreWorld();
  const timeline = createTimeline(world.now, (now) => {
    world.now = now;
  });
  const violations: string[] = [];
  const vaults = createVaults(day, timeline);
  const fetches = watchFetches(world, vaults, violations);
  watchWrites(world, violations);
  const isOn = (what: Trouble["what"], className?: string): boolean => inTrouble(day, timeline, what, className);
  setTroubles(world, isOn);
  const generations = Array.from({ length: day.volumes }, () => 0);
  const requestNow = (index: number): PublishRequest => requestOf(index, generations[index] ?? 0);
  let plugin = startPlugin(world, timeline);
  for (const className of classNames)
    world.classes.held.set(`shop/${className}`, { provider: "azure", parameters: { keyvaultName: className } });

  const happen: Readonly<Record<Happening["what"], (index: number) => void>> = {
    "new version": (index) => void vaults.latest.set(classOf(index), (vaults.latest.get(classOf(index)) ?? 0) + 1),
    "restart of the pod": (index) => {
      plugin.unpublish(requestNow(index));
      generations[index] = (generations[index] ?? 0) + 1;
      plugin.publish(requestNow(index));
    },
    "restart of the plugin": () => {
      plugin.kill();
      plugin = startPlugin(world, timeline);
    },
  };
  timeline.every(INTERVAL_MS, () => {
    plugin.pass();
  });
  timeline.every(5 * MINUTE_MS, () => {
    plugin.repair();
  });
  timeline.every(MINUTE_MS, () => {
    plugin.dropOverdue();
    if (!isOn("kubelet is away")) for (const index of generations.keys()) plugin.publish(requestNow(index));
  });
  for (const { what, atMinute, volume } of day.happenings)
    timeline.at(atMinute * MINUTE_MS + 7_000, () => {
      happen[what](volume % day.volumes);
    });
  for (const index of generations.keys()) plugin.publish(requestNow(index));
  await timeline.runUntil(DAY_MS);
  const known = plugin.known();
  plugin.kill();
  return {
    world,
    known,
    violations,
    latest: vaults.latest,
    mostFetchesAtOnce: fetches.most(),
    eventsOfPods: eventsOf(world),
  };
}

/** One life of the plugin: what it knows ends with it. */
interface Plugin {
  publish(request: PublishRequest): void;
  unpublish(request: PublishRequest): void;
  pass(): void;
  repair(): void;
  dropOverdue(): void;
  known(): readonly KnownVolume[];
  kill(): void;
}

function startPlugin(world: CoreWorld, timeline: Timeline): Plugin {
  const ports: VolumePorts = {
    ...world.ports,
    events: createNotices(world.events, world.ports.elapsed, world.log),
    volumes: createVolumes({ keepsCredentials: true }),
    locks: createKeyedLock(),
    backoff: () => Promise.resolve(),
  };
  const rotation = createRotation(ports, INTERVAL_MS);
  const killed = new AbortController();
  const quietly = (work: Promise<unknown>): void => void work.catch(() => undefined);
  return {
    // Kubelet waits for 2 minutes.
    publish: (request) => {
      const call = new AbortController();
      timeline.at(timeline.elapsedMs() + 2 * MINUTE_MS, () => {
        call.abort();
      });
      quietly(publishVolume(request, ports, { signal: AbortSignal.any([call.signal, killed.signal]) }));
    },
    unpublish: ({ volume }) => {
      quietly(unpublishVolume(volume.targetPath, ports, killed.signal));
    },
    pass: () => {
      quietly(rotation.pass());
    },
    repair: () => {
      quietly(repair(ports, killed.signal));
    },
    dropOverdue: () => {
      dropOverdue(ports);
    },
    known: () => ports.volumes.all(),
    kill: () => {
      killed.abort();
      for (const { volume } of ports.volumes.all()) ports.volumes.forget(volume.targetPath);
      quietly(rotation.stop());
    },
  };
}

function inTrouble({ troubles }: Day, timeline: Timeline, what: Trouble["what"], className?: string): boolean {
  const minute = timeline.elapsedMs() / MINUTE_MS;
  return troubles.some(
    (trouble) =>
      trouble.what === what &&
      (className === undefined || trouble.className === className) &&
      minute >= trouble.atMinute &&
      minute < Math.min(trouble.atMinute + trouble.forMinutes, 24 * 60 - 30),
  );
}

function createVaults(day: Day, timeline: Timeline): Vaults {
  const latest = new Map<string, number>(classNames.map((name) => [name, 1]));
  return {
    latest,
    answer: async ({ volume: { className } }, signal) => {
      if (inTrouble(day, timeline, "vault fails", className)) throw new DriverError("ProviderUnavailable", "no route");
      const version = latest.get(className) ?? 0;
      if (inTrouble(day, timeline, "vault hangs", className)) await hang(timeline, signal);
      await timeline.pause(inTrouble(day, timeline, "vault is slow", className) ? 110_000 : 200, signal);
      return contentOfVersion(version);
    },
  };
}

/** Who is told to leave takes his time. */
async function hang(timeline: Timeline, signal: AbortSignal): Promise<void> {
  await timeline.pause(DAY_MS, signal).catch(() => undefined);
  await timeline.pause(5_000, new AbortController().signal);
}

function contentOfVersion(version: number): Content {
  const contents = Buffer.from(String(version));
  return {
    files: ["a", "b"].map((path) => ({ path, mode: 0o644, contents })),
    versions: ["a", "b"].map((name) => ({ id: `secret/${name}`, version: String(version) })),
  };
}

/** One refresh of a volume at a time. */
function watchFetches(world: CoreWorld, vaults: Vaults, violations: string[]): { most(): number } {
  const underWay = new Map<string, number>();
  let most = 0;
  world.providers.named = () => ({
    fetch: async (request, { priority }, signal) => {
      const { targetPath } = request.volume;
      const count = (underWay.get(targetPath) ?? 0) + 1;
      if (count > 1 && priority === "rotation") violations.push(`${targetPath} is refreshed ${count} times at once`);
      if (priority === "rotation") underWay.set(targetPath, count);
      most = Math.max(
        most,
        [...underWay.values()].reduce((sum, each) => sum + each, 0),
      );
      try {
        return await vaults.answer(request, signal);
      } finally {
        if (priority === "rotation") underWay.set(targetPath, count - 1);
      }
    },
  });
  return { most: () => most };
}

/** A write holds one version, and never an older one than the volume holds. */
function watchWrites({ files }: CoreWorld, violations: string[]): void {
  const { write } = files;
  files.write = (dir, payload, group) => {
    const before = versionsIn(files.volumes.get(dir)?.payload ?? [])[0] ?? 0;
    const [version = 0, ...others] = versionsIn(payload);
    if (others.length > 0) violations.push(`${dir} would be torn: versions ${[version, ...others].join()}`);
    if (version < before) violations.push(`${dir} would go back from ${before} to ${version}`);
    return write(dir, payload, group);
  };
}

/** The versions that files are of. */
export function versionsIn(payload: Payload | readonly []): readonly number[] {
  return [...new Set(payload.map(({ contents }) => Number(Buffer.from(contents).toString())))];
}

function setTroubles(world: CoreWorld, isOn: (what: Trouble["what"]) => boolean): void {
  const away = new DriverError("KubernetesUnavailable", "the Kubernetes API cannot be reached");
  const full = new DriverError("FileWriteError", "no space");
  const define = (fake: object, failure: Error, what: Trouble["what"]): void =>
    void Object.defineProperty(fake, "failure", { get: () => (isOn(what) ? failure : undefined) });
  define(world.classes, away, "API is away");
  define(world.statuses, away, "API is away");
  define(world.files, full, "files cannot be written");
}

function eventsOf({ events }: CoreWorld): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { pod } of events.recorded) counts.set(pod.uid, (counts.get(pod.uid) ?? 0) + 1);
  return counts;
}
