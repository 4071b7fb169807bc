import type { Logger } from "../log.ts";
import type { Provider, Providers } from "../ports.ts";
import type { RemoteProviders } from "../provider/remote/provider.ts";
import { isProviderName } from "../provider/remote/sockets.ts";
import { DriverError } from "../errors.ts";
import type { NodeFlags } from "./node-flags.ts";

/** The providers of this node: those of this process, and whoever has a socket. */
export interface NodeProviders extends Providers {
  /** Asks each provider that is connected how it is, for the log; never throws. */
  probe(signal: AbortSignal): Promise<void>;
}

type ProviderFlags = Pick<NodeFlags, "provider-volume" | "additional-provider-volume-paths" | "max-call-recv-msg-size">;

/** Whoever is served by this process is never looked for elsewhere. What speaks to sockets is loaded when the first is needed. */
export function createNodeProviders(
  served: Readonly<Record<string, Provider>>,
  flags: ProviderFlags,
  log: Logger,
): NodeProviders {
  let loading: Promise<RemoteProviders> | undefined;
  const remote = (): Promise<RemoteProviders> => (loading ??= load(flags, log));
  const isServed = (name: string): boolean => Object.hasOwn(served, name);
  return {
    writesIntoTarget: (name) => !isServed(name) && isProviderName(name),
    named: (name) => {
      const provider = isServed(name) ? served[name] : undefined;
      if (provider) return provider;
      if (!isProviderName(name)) throw invalidName(name);
      return { fetch: async (...asked) => (await remote()).named(name).fetch(...asked) };
    },
    probe: async (signal) => {
      await (await loading)?.probe(signal);
    },
  };
}

/** The additional directories come first, as with the established driver. */
async function load(flags: ProviderFlags, log: Logger): Promise<RemoteProviders> {
  const { createRemoteProviders } = await import("../provider/remote/provider.ts");
  return createRemoteProviders({
    directories: [...new Set([...flags["additional-provider-volume-paths"], flags["provider-volume"]])],
    maxReceiveBytes: flags["max-call-recv-msg-size"],
    log,
  });
}

function invalidName(name: string): DriverError {
  const quoted = JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);
  return new DriverError(
    "ProviderNotFound",
    `invalid provider: ${quoted} is not the name of a provider (1 to 30 of A-Z, a-z, 0-9, "_" and "-"): correct spec.provider`,
  );
}
