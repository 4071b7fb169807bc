import { buildInfo } from "./build-info.ts";
import { createNodeAdapters } from "./node-adapters.ts";
import { nodeFlags, parseNodeFlags } from "./node-flags.ts";
import { startNodePlugin } from "./node-server.ts";
import { servingCommand } from "./serving.ts";

/** The plugin on a node: serves kubelet until a signal. */
export const node = servingCommand({
  name: "node",
  flags: nodeFlags,
  parse: parseNodeFlags,
  version: buildInfo,
  prepare: createNodeAdapters,
  start: async (flags, adapters, log) => {
    const plugin = await startNodePlugin(flags, adapters, log);
    log.info("Serving kubelet", { endpoint: flags.endpoint, node: flags.nodeid, version: buildInfo.BuildVersion });
    return plugin;
  },
});
