import type { Logger } from "../log.ts";
import type { MetricsRegistry } from "../metrics/metrics.ts";
import type { Provider } from "../ports.ts";
import { azureOptions, userAgentOf } from "./azure-options.ts";
import type { NodeFlags } from "./node-flags.ts";

/** Who hears how requests went. */
interface Observers {
  readonly metrics: MetricsRegistry;
  readonly log: Logger;
}

/**
 * The Azure provider of this process; or, with `--azure-provider-volume`, the one in a process of its own, by its socket:
 * then nothing here speaks with a vault.
 */
export async function connectAzure(
  flags: NodeFlags,
  env: NodeJS.ProcessEnv,
  { metrics, log }: Observers,
): Promise<Provider> {
  const directory = flags["azure-provider-volume"];
  if (directory === "") {
    const { createAzureProvider } = await import("../provider/azure/provider.ts");
    return createAzureProvider({ ...azureOptions(flags, env), userAgent: userAgentOf(), metrics, logger: log });
  }
  const { createRemoteProviders } = await import("../provider/remote/provider.ts");
  const maxReceiveBytes = flags["max-call-recv-msg-size"];
  return createRemoteProviders({ directories: [directory], maxReceiveBytes, log }).named("azure");
}
