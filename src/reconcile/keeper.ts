import { reasonOf } from "../errors.ts";
import type { KubernetesObject } from "../release-model.ts";
import type { Clock } from "../ports.ts";
import type { Objects } from "../release-ports.ts";
import type { Agenda } from "./agenda.ts";
import { keyOf } from "./desired.ts";
import { StoodDown } from "./guarded.ts";
import type { Release } from "./release.ts";
import type { Reports } from "./reports.ts";
import { restartUsers } from "./restart.ts";
import { restore } from "./restore.ts";

/** What one look at a release works with. */
export interface Look {
  readonly release: Release;
  readonly held: ReadonlyMap<string, KubernetesObject>;
  /** Guarded for that release. */
  readonly objects: Objects;
  readonly signal: AbortSignal;
}

/** Keeps objects as they should be. Calls throw StoodDown, and nothing else: other failures are told and tried again. */
export interface Keeper {
  keep(desired: KubernetesObject, look: Look): Promise<void>;
  /** Restarts pods whose service account came back, unless that was done. */
  payRestarts(look: Look): Promise<void>;
}

export function createKeeper(agenda: Agenda, reports: Reports, clock: Clock): Keeper {
  const owed = new Set<string>();
  async function attempt(desired: KubernetesObject, look: Look, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      agenda.failed(keyOf(desired));
      if (error instanceof StoodDown) throw error;
      // Between the look and the write somebody else wrote, a controller the status: the next look sees both.
      if (reasonOf(error) === "Busy") return;
      reports.failed(look.release.deployment, desired, error);
    }
  }
  return {
    keep: (desired, look) =>
      attempt(desired, look, async () => {
        const restored = await restore(desired, look.objects, look.signal);
        if (restored === undefined) {
          reports.fine(desired);
          return;
        }
        // Kubelet goes on giving pods the tokens of the one that was deleted.
        if (desired.kind === "ServiceAccount" && restored.how !== "changed") owed.add(keyOf(desired));
        agenda.restored(keyOf(desired));
        reports.restored(look.release.deployment, desired, restored);
      }),
    payRestarts: async (look) => {
      for (const key of owed) {
        const account = look.held.get(key);
        if (account === undefined) owed.delete(key);
        else
          await attempt(account, look, async () => {
            await restartUsers(account, [...look.held.values()], { objects: look.objects, clock }, look.signal);
            owed.delete(key);
          });
      }
    },
  };
}
