import type { OwnerReference, PublishRequest, SecretObject } from "../../src/model.ts";
import type { KnownVolume } from "../../src/volume/volumes.ts";
import { createDayKubelet, startDayPlugin } from "./day-plugin.ts";
import {
  createTroubles,
  createVaults,
  DAY_MS,
  setTroubles,
  versionsIn,
  type Trouble,
  type Vaults,
} from "./day-troubles.ts";
import { createTimeline } from "./timeline.ts";
import { aRequest, aVolume, createCoreWorld, type CoreWorld } from "./volumes.ts";

const MINUTE_MS = 60_000;
const INTERVAL_MS = 2 * MINUTE_MS;

/** What happens on purpose at a minute. */
export interface Happening {
  readonly what: "new version" | "restart of the pod" | "restart of the plugin" | "loss of the Secret" | "clock is set";
  readonly atMinute: number;
  /** Whose; the clock is set forward or back by so many minutes more or less than ten. */
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

function ownerOf(className: string): OwnerReference {
  return { apiVersion: "apps/v1", kind: "ReplicaSet", name: className, uid: `rs-${className}` };
}

/** Lives through 24 hours of a node's rotation, on a clock of its own. In the last half hour nothing goes wrong. */
export async function liveThrough(day: Day): Promise<Seen> {
  const world = createCoreWorld();
  const timeline = createTimeline(world.now, (now) => {
    world.now = new Date(now.getTime() + world.jumpedMs);
  });
  const violations: string[] = [];
  const isOn = createTroubles(day.troubles, timeline);
  const vaults = createVaults(classNames, timeline, isOn);
  const fetches = watchFetches(world, vaults, violations);
  watchWrites(world, violations);
  setTroubles(world, timeline, isOn);
  for (const className of classNames) createClass(world, className);

  let plugin = startDayPlugin(world, timeline, INTERVAL_MS);
  const kubelet = createDayKubelet(() => plugin);
  const generations = Array.from({ length: day.volumes }, () => 0);
  const requestNow = (index: number): PublishRequest => requestOf(index, generations[index] ?? 0);
  const startPod = (index: number): void => {
    const { volume } = requestNow(index);
    const owners = [ownerOf(volume.className)];
    world.pods.held.set(`shop/${volume.pod.name}`, { uid: volume.pod.uid, owners, ending: false });
    kubelet.publish(requestNow(index));
  };

  const happen: Readonly<Record<Happening["what"], (index: number, volume: number) => void>> = {
    "new version": (index) => void vaults.latest.set(classOf(index), (vaults.latest.get(classOf(index)) ?? 0) + 1),
    "restart of the pod": (index) => {
      kubelet.unpublish(requestNow(index));
      generations[index] = (generations[index] ?? 0) + 1;
      startPod(index);
    },
    "restart of the plugin": () => {
      plugin.kill();
      plugin = startDayPlugin(world, timeline, INTERVAL_MS);
    },
    "loss of the Secret": (index) => void world.secrets.held.delete(`shop/${classOf(index)}`),
    "clock is set": (_, volume) => {
      world.jumpedMs += (volume - 10) * MINUTE_MS;
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
    if (!isOn("kubelet is away")) for (const index of generations.keys()) kubelet.publish(requestNow(index));
  });
  for (const { what, atMinute, volume } of day.happenings)
    timeline.at(atMinute * MINUTE_MS + 7_000, () => {
      happen[what](volume % day.volumes, volume);
    });
  for (const index of generations.keys()) startPod(index);
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

/** It mirrors the file `a` to a Secret of its own name. */
function createClass({ classes }: CoreWorld, className: string): void {
  const data = [{ objectName: "a", key: "a" }];
  const secret: SecretObject = { secretName: className, type: "", labels: {}, annotations: {}, data };
  const parameters = { keyvaultName: className };
  classes.held.set(`shop/${className}`, { provider: "azure", parameters, secretObjects: [secret] });
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

/** A write holds one version, and never an older one than the volume holds; when it was is known, by the time of day. */
function watchWrites(world: CoreWorld, violations: string[]): void {
  const { files } = world;
  const { write } = files;
  const writtenAt = new Map<string, Date>();
  files.write = async (dir, payload, group) => {
    const before = versionsIn(files.volumes.get(dir)?.payload ?? [])[0] ?? 0;
    const [version = 0, ...others] = versionsIn(payload);
    if (others.length > 0) violations.push(`${dir} would be torn: versions ${[version, ...others].join()}`);
    if (version < before) violations.push(`${dir} would go back from ${before} to ${version}`);
    const result = await write(dir, payload, group);
    if (result === "changed") writtenAt.set(dir, world.now);
    return result;
  };
  files.writtenAt = (dir) => Promise.resolve(writtenAt.get(dir) ?? new Date(0));
}

function eventsOf({ events }: CoreWorld): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { pod } of events.recorded) counts.set(pod.uid, (counts.get(pod.uid) ?? 0) + 1);
  return counts;
}
