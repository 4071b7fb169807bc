import { inContext } from "../errors.ts";
import { serveHttp, type Routes } from "../health/http.ts";
import type { MetricsRegistry } from "../metrics/metrics.ts";
import type { NodeFlags } from "./node-flags.ts";

/** Health and metrics, listening. */
export interface Probes {
  stop(): Promise<void>;
}

type MetricsText = Pick<MetricsRegistry, "contentType" | "text">;

/** Serves health and /metrics. A port that cannot be had is told with its flag, and nothing is left open. */
export async function serveProbes(
  flags: Pick<NodeFlags, "health-addr" | "metrics-addr">,
  health: Routes,
  metrics: MetricsText,
): Promise<Probes> {
  await using started = new AsyncDisposableStack();
  const serve = async (flag: "health-addr" | "metrics-addr", routes: Routes): Promise<void> => {
    const server = await serveHttp(flags[flag], routes).catch((error: unknown) => {
      throw inContext(`--${flag}: `, error);
    });
    started.defer(() => server.stop());
  };
  await serve("health-addr", health);
  await serve("metrics-addr", metricsRoute(metrics));
  const running = started.move();
  return { stop: () => running.disposeAsync() };
}

function metricsRoute(metrics: MetricsText): Routes {
  return {
    "/metrics": async () => ({ status: 200, text: await metrics.text(), contentType: metrics.contentType }),
  };
}
