import type { PublishRequest } from "../../src/model.ts";
import { createNotices } from "../../src/rotation/notices.ts";
import { dropOverdue } from "../../src/rotation/overdue.ts";
import { createRotation } from "../../src/rotation/pass.ts";
import { repair } from "../../src/rotation/repair.ts";
import { createKeyedLock } from "../../src/sync/keyed-lock.ts";
import { publishVolume } from "../../src/volume/publish.ts";
import { unpublishVolume } from "../../src/volume/unpublish.ts";
import type { VolumePorts } from "../../src/volume/volume-ports.ts";
import { createVolumes, type KnownVolume } from "../../src/volume/volumes.ts";
import type { Timeline } from "./timeline.ts";
import type { CoreWorld } from "./volumes.ts";

const KUBELET_WAITS_MS = 2 * 60_000;

/** One life of the plugin: what it knows ends with it. */
export interface DayPlugin {
  publish(request: PublishRequest): Promise<unknown>;
  unpublish(request: PublishRequest): Promise<unknown>;
  pass(): void;
  repair(): void;
  dropOverdue(): void;
  known(): readonly KnownVolume[];
  kill(): void;
}

export function startDayPlugin(world: CoreWorld, timeline: Timeline, intervalMs: number): DayPlugin {
  const ports: VolumePorts = {
    ...world.ports,
    events: createNotices(world.events, world.ports.elapsed, world.log),
    volumes: createVolumes({ keepsCredentials: true }),
    locks: createKeyedLock(),
    backoff: () => Promise.resolve(),
  };
  const rotation = createRotation(ports, intervalMs);
  const killed = new AbortController();
  const quietly = (work: Promise<unknown>): void => void work.catch(() => undefined);
  return {
    publish: (request) => {
      const call = new AbortController();
      timeline.at(timeline.elapsedMs() + KUBELET_WAITS_MS, () => {
        call.abort();
      });
      return publishVolume(request, ports, { signal: AbortSignal.any([call.signal, killed.signal]) });
    },
    unpublish: ({ volume }) => unpublishVolume(volume.targetPath, ports, killed.signal),
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

/** Kubelet's side: operations of one volume never overlap, and what fails is asked for again. */
export interface DayKubelet {
  /** Nothing, while another operation of that volume is under way. */
  publish(request: PublishRequest): void;
  /** When that operation has ended. */
  unpublish(request: PublishRequest): void;
}

export function createDayKubelet(plugin: () => DayPlugin): DayKubelet {
  const underWay = new Map<string, Promise<void>>();

  function begin({ volume: { targetPath } }: PublishRequest, operate: () => Promise<unknown>): void {
    const ahead = underWay.get(targetPath) ?? Promise.resolve();
    const operation = ahead
      .then(operate)
      .then(
        () => undefined,
        () => undefined,
      )
      .then(() => {
        if (underWay.get(targetPath) === operation) underWay.delete(targetPath);
      });
    underWay.set(targetPath, operation);
  }

  return {
    publish: (request) => {
      if (!underWay.has(request.volume.targetPath)) begin(request, () => plugin().publish(request));
    },
    unpublish: (request) => {
      begin(request, () => plugin().unpublish(request));
    },
  };
}
