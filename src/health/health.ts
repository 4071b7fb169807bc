import { createClient } from "../grpc/client.ts";
import type { Answer, Routes } from "./http.ts";

/** As long as the established liveness probe waits. */
const PROBE_LIMIT_MS = 3_000;

/** What the probes of the pod look at. */
export interface HealthOptions {
  readonly csiSocketPath: string;
  /** Why the plugin is not ready; undefined when it is. */
  readonly unready: () => string | undefined;
}

/**
 * `/healthz`: Probe answers on the real CSI socket, over a connection of its own, as kubelet would come. `/readyz`: kubelet
 * knows the plugin, and it is not about to stop.
 */
export function healthRoutes({ csiSocketPath, unready }: HealthOptions): Routes {
  return {
    "/healthz": () => probe(csiSocketPath),
    "/readyz": () => {
      const reason = unready();
      return Promise.resolve(reason === undefined ? ok : { status: 503, text: `${reason}\n` });
    },
  };
}

const ok: Answer = { status: 200, text: "ok\n" };

async function probe(socketPath: string): Promise<Answer> {
  const client = createClient(socketPath);
  try {
    const { ready } = await client.identity.probe({ deadlineMs: PROBE_LIMIT_MS });
    return ready?.value === true ? ok : { status: 503, text: "the CSI service is not ready\n" };
  } catch {
    return { status: 500, text: "the CSI service does not answer on its socket\n" };
  } finally {
    client.close();
  }
}
