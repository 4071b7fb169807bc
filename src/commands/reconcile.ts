import { buildInfo } from "./build-info.ts";
import { parseReconcileFlags, reconcileFlags } from "./reconcile-flags.ts";
import { connectReconciler, startReconciler } from "./reconcile-server.ts";
import { servingCommand } from "./serving.ts";

/** Keeps the objects of the release as the chart made them: runs in the cluster until a signal. */
export const reconcile = servingCommand({
  name: "reconcile",
  flags: reconcileFlags,
  parse: parseReconcileFlags,
  version: buildInfo,
  prepare: connectReconciler,
  start: async (flags, means, log) => {
    const running = await startReconciler(flags, means, log);
    log.info(`Holding the objects of the release in namespace ${flags.namespace}`, { version: buildInfo.BuildVersion });
    return running;
  },
});
