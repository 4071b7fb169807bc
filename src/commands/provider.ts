import { buildInfo } from "./build-info.ts";
import { parseProviderFlags, providerFlags } from "./provider-process-flags.ts";
import { connectProvider, startProvider } from "./provider-server.ts";
import { servingCommand } from "./serving.ts";

/** The Azure provider alone: serves the established driver until a signal. */
export const provider = servingCommand({
  name: "provider",
  flags: providerFlags,
  parse: parseProviderFlags,
  // As the established provider prints it.
  version: { version: buildInfo.BuildVersion, buildDate: buildInfo.BuildDate.replace("T", "-") },
  prepare: connectProvider,
  start: async (flags, means, log) => {
    if (flags["enable-pprof"])
      log.warn("--enable-pprof is taken and ignored: a profile of this process could hold secrets");
    const running = await startProvider(flags, means, log);
    log.info("Starting Azure Key Vault Provider", { endpoint: flags.endpoint, version: buildInfo.BuildVersion });
    return running;
  },
});
