import type { Freshness } from "../../src/ports.ts";
import type { PublishRequest, Volume } from "../../src/model.ts";
import type { FetchableVolume } from "../../src/volume/credentials.ts";
import { createKeyedLock } from "../../src/sync/keyed-lock.ts";
import { defaultMaxContentBytes } from "../../src/volume/payload.ts";
import { createPreparations } from "../../src/volume/preparations.ts";
import type { VolumePorts } from "../../src/volume/volume-ports.ts";
import { createVolumes } from "../../src/volume/volumes.ts";
import { createDriverFakes, type DriverFakes } from "./driver.ts";
import { aContext, aPodUid, aTarget } from "./messages.ts";
import { createFakeMetrics, type FakeMetrics } from "./ports.ts";

export const aVolume: Volume = {
  id: "csi-4f1d",
  targetPath: aTarget,
  kubeletRoot: "/var/lib/kubelet",
  pod: { namespace: "shop", name: "web-0", uid: aPodUid },
  className: "vault",
};

export const aRequest: PublishRequest = {
  volume: aVolume,
  attributes: aContext(),
  credentials: { secrets: { clientid: "id", clientsecret: "secret" } },
};

/** A volume that was published at the beginning of time, with the given fields in place of its own. */
export function aKnownVolume(changes: Partial<FetchableVolume> = {}): FetchableVolume {
  return {
    ...aRequest,
    handedOverAt: 0,
    secretProviderClass: undefined,
    versions: [{ id: "secret/password", version: "1" }],
    report: "told",
    secretsOwed: false,
    freshAt: new Date(0),
    failing: false,
    ...changes,
  };
}

/** Fakes under the ports of the core, with a clock that stands still until it is set. */
export interface CoreWorld extends DriverFakes {
  readonly ports: VolumePorts;
  readonly metrics: FakeMetrics;
  /** As long as nobody sets the time of day, time passes with it. */
  now: Date;
  /** How far the time of day has been set forward since the beginning. */
  jumpedMs: number;
}

/** By default with rotation, so that credentials are kept. */
export function createCoreWorld({ keepsCredentials = true } = {}): CoreWorld {
  const fakes = { ...createDriverFakes(), metrics: createFakeMetrics() };
  const world: CoreWorld = {
    ...fakes,
    now: new Date("2026-01-01T00:00:00Z"),
    jumpedMs: 0,
    ports: {
      ...fakes,
      tokenTypesAllowed: false,
      volumes: createVolumes({ keepsCredentials }),
      locks: createKeyedLock(),
      preparations: createPreparations(),
      maxContentBytes: defaultMaxContentBytes,
      backoff: () => Promise.resolve(),
      clock: () => world.now,
      elapsed: () => world.now.getTime() - world.jumpedMs,
      nodeName: "node-1",
    },
  };
  return world;
}

/** A signal that never fires. */
export const noSignal: AbortSignal = new AbortController().signal;

/** A mount that takes whatever is there, and waits for ever. */
export const anyAge: Freshness = { notOlderThan: new Date(0), priority: "mount" };
