import type { LivePod } from "../model.ts";
import type { Pods } from "../ports.ts";
import { ask, type Cluster } from "./ask.ts";
import { parseMetadata } from "./metadata.ts";
import { CORE, namespacedPath } from "./paths.ts";
import { syncRights } from "./rights.ts";

const resource = "pods";

/** Pods, read by name for their owners; nothing of what they run is looked at. */
export function createPods(cluster: Cluster): Pods {
  return {
    read: async (ref, signal) => {
      const request = { method: "GET", path: namespacedPath(CORE, resource, ref) } as const;
      const body = await ask(cluster, request, { resource, ref, remedy: syncRights }, signal);
      return body === undefined ? undefined : parsePod(body);
    },
  };
}

function parsePod(body: unknown): LivePod {
  const { uid, owners, terminating } = parseMetadata(body);
  const phase = (body as { status?: { phase?: unknown } } | null)?.status?.phase;
  return { uid, owners, ending: terminating || phase === "Succeeded" || phase === "Failed" };
}
