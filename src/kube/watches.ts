import { request as httpsRequest, type RequestOptions } from "node:https";
import type { IncomingMessage } from "node:http";
import { finished } from "node:stream/promises";
import { setTimeout } from "node:timers/promises";
import type { Watches } from "../release-ports.ts";
import type { ClusterAccess } from "./access.ts";
import type { Cluster } from "./ask.ts";
import { createResources } from "./resources.ts";

/** The API server ends a watch after so long; a connection that died unseen is missed for no longer. */
const LIFE_SECONDS = 240;

export interface WatchesOptions {
  readonly access: ClusterAccess;
  readonly cluster: Cluster;
  readonly userAgent: string;
  /** Between the end of a watch and the next; by default 1 s, and 5 s after one that could not be had. */
  readonly pauseMs?: { readonly ended: number; readonly refused: number };
}

/**
 * One watch for each object, by its name, so that the right to it can be limited to that name. What it tells is not read: who
 * hears looks at the object itself.
 */
export function createWatches({ access, cluster, userAgent, pauseMs }: WatchesOptions): Watches {
  const { ended, refused } = pauseMs ?? { ended: 1_000, refused: 5_000 };
  const resources = createResources(cluster);
  return {
    follow: (object, heard) => {
      const stopped = new AbortController();
      const { signal } = stopped;
      const watch = async (): Promise<boolean> => {
        const { collection, subject } = await resources.locate(object, signal);
        const selector = encodeURIComponent(`metadata.name=${object.metadata.name}`);
        // From the API server's cache (0): one with an old etcd cannot tell in time how far the cache is, and ends other watches after 3 s.
        const path = `${collection}?watch=true&fieldSelector=${selector}&resourceVersion=0&timeoutSeconds=${LIFE_SECONDS}`;
        const answer = await open(access, path, userAgent, signal);
        const code = answer.statusCode ?? 0;
        cluster.metrics.kubernetesRequest({ verb: "watch", resource: subject.resource, code });
        // What happened while there was no watch is told by none: one that is gone by now least of all.
        if (code === 200) heard();
        answer.on("data", () => {
          if (code === 200) heard();
        });
        await finished(answer);
        return code === 200;
      };
      void (async () => {
        while (!signal.aborted) {
          // Whatever ended it, another is begun, and each object is looked at now and then without one.
          const had = await watch().catch(() => false);
          await setTimeout(had ? ended : refused, undefined, { signal, ref: false }).catch(() => undefined);
        }
      })();
      return {
        stop: () => {
          stopped.abort();
        },
      };
    },
  };
}

async function open(
  access: ClusterAccess,
  path: string,
  userAgent: string,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { headers, ...connection } = await access.authorize();
  const options: RequestOptions = {
    ...connection,
    signal,
    headers: { ...(headers as Record<string, string>), accept: "application/json", "user-agent": userAgent },
  };
  const url = new URL(`${access.server.href.replace(/\/$/, "")}${path}`);
  return new Promise((resolve, reject) => {
    httpsRequest(url, options, resolve).on("error", reject).end();
  });
}
