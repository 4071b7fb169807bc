import { inContext } from "../errors.ts";
import type { Address } from "../formats/address.ts";
import { socketPathOf } from "../grpc/endpoint.ts";
import { health } from "../grpc/health-descriptor.ts";
import { provider } from "../grpc/provider-descriptor.ts";
import { listen, type Service } from "../grpc/server.ts";
import { serveHttp, type Routes } from "../health/http.ts";
import { socketHealthRoute } from "../health/socket-health.ts";
import type { Logger } from "../log.ts";
import { createProviderMetrics, type ProviderMetrics } from "../metrics/grpc.ts";
import type { Provider } from "../ports.ts";
import { createAzureProvider } from "../provider/azure/provider.ts";
import { healthService } from "../provider-socket/health.ts";
import { providerService, type Fetch } from "../provider-socket/provider.ts";
import { forMount } from "../volume/freshness.ts";
import { azureOptions, userAgentOf } from "./azure-options.ts";
import { buildInfo } from "./build-info.ts";
import type { ProviderFlags } from "./provider-process-flags.ts";
import { DRAIN_LIMIT_MS, type Running } from "./serving.ts";

/** What the provider alone works with. */
export interface ProviderMeans {
  readonly azure: Provider;
  readonly metrics: ProviderMetrics;
}

/** Connects the real provider. Nothing is asked of a vault yet. */
export function connectProvider(flags: ProviderFlags, env: NodeJS.ProcessEnv, log: Logger): Promise<ProviderMeans> {
  const metrics = createProviderMetrics({ objectNames: flags["metrics-object-names"] });
  const userAgent = userAgentOf(flags["custom-user-agent"]);
  const azure = createAzureProvider({ ...azureOptions(flags, env), userAgent, metrics, logger: log });
  return Promise.resolve({ azure, metrics });
}

/** The ports come before the socket: a second provider on the node fails there, and takes no socket. Stopped in reverse order. */
export async function startProvider(flags: ProviderFlags, means: ProviderMeans, log: Logger): Promise<Running> {
  const socketPath = socketPathOf(flags.endpoint);
  await using started = new AsyncDisposableStack();
  const serve = async (flag: string, address: Address, routes: Routes): Promise<void> => {
    const server = await serveHttp(address, routes).catch((error: unknown) => {
      throw inContext(`--${flag}: `, error);
    });
    started.defer(() => server.stop());
  };
  const [path, limitMs] = [flags["healthz-path"], flags["healthz-timeout"]];
  await serve("healthz-port", flags["healthz-port"], socketHealthRoute({ path, socketPath, limitMs }));
  await serve("prometheus-port", flags["prometheus-port"], metricsRoute(means.metrics));
  const server = await listen(services(flags, means, log), socketPath);
  started.defer(() => server.stop(DRAIN_LIMIT_MS));
  const running = started.move();
  return { ended: Promise.withResolvers<string>().promise, stop: () => running.disposeAsync() };
}

/** Each call is a mount to us, the driver's rotation too: it says neither which it is, nor how old an answer may be. */
function services(flags: ProviderFlags, { azure, metrics }: ProviderMeans, log: Logger): readonly Service[] {
  const clock = (): Date => new Date();
  const fetch: Fetch = (request, call) => azure.fetch(request, forMount(clock, call), call.signal);
  const settings = { version: buildInfo.BuildVersion, maxMessageBytes: flags["max-call-recv-msg-size"] };
  return [
    { definition: provider.CSIDriverProvider.service, handlers: providerService(fetch, settings, { log, metrics }) },
    { definition: health.Health.service, handlers: healthService({ log, metrics }) },
  ];
}

function metricsRoute(metrics: ProviderMetrics): Routes {
  return {
    "/metrics": async () => ({ status: 200, text: await metrics.text(), contentType: metrics.contentType }),
  };
}
