import { readFileSync } from "node:fs";
import { Agent } from "node:https";
import { createSecureContext } from "node:tls";
import type { Authorization, ClusterAccess } from "./access.ts";

/** Where kubelet puts a pod's service account (Kubernetes: "Accessing the API from within a Pod"). */
export const SERVICE_ACCOUNT_DIR = "/var/run/secrets/kubernetes.io/serviceaccount";

/** A pass over hundreds of volumes must not open hundreds of connections; what waits here waits for milliseconds. */
const MOST_CONNECTIONS = 20;
/** What a storm opened is closed soon after it: a connection weighs 100 KiB, and API servers keep them for 90 s. */
const IDLE_LIMIT_MS = 10_000;

export interface InClusterOptions {
  /** KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT of the pod. */
  readonly host: string;
  readonly port: string;
  readonly serviceAccountDir?: string;
  /** At once; a watch has one for as long as it lasts. By default 20. */
  readonly mostConnections?: number;
  /** After so long without a request a connection is closed. By default 10 s. */
  readonly idleLimitMs?: number;
}

/**
 * The pod's own service account. Both files are read for each request, so a rotated token or CA is used at once;
 * synchronously, since they are a few kilobytes in a tmpfs (40 µs; by way of the thread pool it is a millisecond).
 * Connections are kept from one request to the next as long as the CA stays the same.
 */
export function createInClusterAccess(options: InClusterOptions): ClusterAccess {
  const { host, port, serviceAccountDir: dir = SERVICE_ACCOUNT_DIR } = options;
  let trusted = "";
  let agent = new Agent();

  function authorization(): Authorization {
    const [token, ca] = [readFileSync(`${dir}/token`, "utf8"), readFileSync(`${dir}/ca.crt`, "utf8")];
    if (ca !== trusted) {
      agent = trusting(ca, options);
      trusted = ca;
    }
    return { agent, headers: { authorization: `Bearer ${token.trim()}` } };
  }

  return {
    server: new URL(`https://${host.includes(":") ? `[${host}]` : host}:${port}`),
    authorize: () =>
      new Promise((resolve) => {
        resolve(authorization());
      }),
  };
}

/** One TLS context for all connections: Node would make one for each, of 30 KiB and more. */
function trusting(ca: string, { mostConnections, idleLimitMs }: InClusterOptions): Agent {
  return new Agent({
    secureContext: createSecureContext({ ca }),
    keepAlive: true,
    maxSockets: mostConnections ?? MOST_CONNECTIONS,
    timeout: idleLimitMs ?? IDLE_LIMIT_MS,
  });
}
