import { messageOf } from "../errors.ts";
import type { KubernetesObject } from "../release-model.ts";
import type { Clock, Elapsed } from "../ports.ts";
import type { Objects, Watches } from "../release-ports.ts";
import { createAgenda, type Agenda } from "./agenda.ts";
import { keyOf, parseDesired } from "./desired.ts";
import { createFollowed } from "./followed.ts";
import { guarded, StoodDown } from "./guarded.ts";
import { createKeeper, type Keeper, type Look } from "./keeper.ts";
import { desiredSecret, readRelease, type Release } from "./release.ts";
import { createReports, type ReportMeans } from "./reports.ts";

/** After the Secret has changed, Helm still writes what is last in its order: kinds that it does not know. */
export const SETTLE_MS = 10_000;
/** While nothing may be written, or nobody answers, the release is looked at so often. */
const STAND_DOWN_MS = 5_000;

export interface HealerMeans extends ReportMeans {
  readonly objects: Objects;
  readonly watches: Watches;
  readonly elapsed: Elapsed;
  readonly clock: Clock;
}

/** Holds the release's objects. */
export interface Healer {
  /** Looks at what is due; called every second. */
  tick(signal: AbortSignal): Promise<void>;
  stop(): void;
}

export function createHealer(means: HealerMeans, namespace: string): Healer {
  const { objects, watches, elapsed, clock } = means;
  const agenda = createAgenda(elapsed);
  const reports = createReports(means);
  const keeper = createKeeper(agenda, reports, clock);
  const followed = createFollowed(watches, agenda.heard);
  const secret = desiredSecret(namespace);
  let held = new Map<string, KubernetesObject>();
  let version = "";
  let quietUntil = 0;

  function learn(release: Release): void {
    const desired = parseDesired(release.secret);
    held = new Map(desired.map((object) => [keyOf(object), object]));
    agenda.hold([keyOf(secret), ...held.keys()]);
    followed.follow([secret, ...desired]);
    version = release.version;
  }

  async function look(signal: AbortSignal): Promise<void> {
    quietUntil = elapsed() + STAND_DOWN_MS;
    const release = await readRelease(objects, namespace, signal);
    if ("down" in release) {
      reports.standsDown(release.deployment, release.down);
    } else if (release.version === version) {
      reports.holds(held.size);
      quietUntil = 0;
      await keepDue({ release, held, objects: guarded(objects, namespace, release), signal }, agenda, keeper);
    } else {
      learn(release);
      quietUntil = elapsed() + SETTLE_MS;
    }
  }

  return {
    tick: async (signal) => {
      const isNothingDue = version !== "" && agenda.due().length === 0;
      if (elapsed() < quietUntil || isNothingDue) return;
      await look(signal).catch((error: unknown) => {
        quietUntil = elapsed() + STAND_DOWN_MS;
        if (error instanceof StoodDown) return;
        reports.standsDown(undefined, `the release cannot be read: ${messageOf(error)}`);
      });
    },
    stop: () => {
      followed.follow([]);
    },
  };
}

async function keepDue(look: Look, agenda: Agenda, keeper: Keeper): Promise<void> {
  for (const key of agenda.due()) {
    agenda.begin(key);
    const desired = look.held.get(key);
    if (desired !== undefined) await keeper.keep(desired, look);
    await keeper.payRestarts(look);
  }
}
