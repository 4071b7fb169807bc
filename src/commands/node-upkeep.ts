import type { Schedule } from "../ports.ts";
import { phaseOf } from "../rotation/choice.ts";
import { dropOverdue, OVERDUE_PERIOD_MS } from "../rotation/overdue.ts";
import { HELD_UP_PERIOD_MS, reportHeldUp } from "../rotation/held-up.ts";
import { createRotation } from "../rotation/pass.ts";
import { REPAIR_PERIOD_MS, repair } from "../rotation/repair.ts";
import type { VolumePorts } from "../volume/volume-ports.ts";
import type { NodeFlags } from "./node-flags.ts";

/** Starts what comes round by itself: repair, the end of credentials, and rotation where it is on. Disposed: ended. */
export function startUpkeep(flags: NodeFlags, ports: VolumePorts, schedule: Schedule): AsyncDisposable {
  const started = new AsyncDisposableStack();
  const every = (...task: Parameters<Schedule["every"]>): void => {
    const repeated = schedule.every(...task);
    started.defer(() => repeated.stop());
  };
  every(REPAIR_PERIOD_MS, (signal) => repair(ports, signal), phaseOf("repair", ports.nodeName, REPAIR_PERIOD_MS));
  every(HELD_UP_PERIOD_MS, (signal) => reportHeldUp(ports, signal));
  every(OVERDUE_PERIOD_MS, () => {
    dropOverdue(ports);
    return Promise.resolve();
  });
  if (flags["enable-secret-rotation"]) {
    const intervalMs = flags["rotation-poll-interval"];
    const rotation = createRotation(ports, intervalMs);
    started.defer(() => rotation.stop());
    // A pass may last longer than the interval without holding up the next one.
    const begin = (): Promise<void> => {
      void rotation.pass();
      return Promise.resolve();
    };
    every(intervalMs, begin, phaseOf("rotation", ports.nodeName, intervalMs));
  }
  return started;
}
