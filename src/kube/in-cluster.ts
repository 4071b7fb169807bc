import { readFileSync } from "node:fs";
import { Agent } from "node:https";
import type { ClusterAccess } from "./access.ts";

/** Where kubelet puts a pod's service account (Kubernetes: "Accessing the API from within a Pod"). */
export const SERVICE_ACCOUNT_DIR = "/var/run/secrets/kubernetes.io/serviceaccount";

/** A pass over hundreds of volumes must not open hundreds of connections; what waits here waits for milliseconds. */
const MOST_CONNECTIONS = 20;

export interface InClusterOptions {
  /** KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT of the pod. */
  readonly host: string;
  readonly port: string;
  readonly serviceAccountDir?: string;
  /** At once; a watch has one for as long as it lasts. By default 20. */
  readonly mostConnections?: number;
}

/**
 * The pod's own service account. Both files are read for each request, so a rotated token or CA is used at once;
 * synchronously, since they are a few kilobytes in a tmpfs (40 µs; by way of the thread pool it is a millisecond).
 * Connections are kept as long as the CA stays the same.
 */
export function createInClusterAccess(options: InClusterOptions): ClusterAccess {
  const { host, port, serviceAccountDir: dir = SERVICE_ACCOUNT_DIR, mostConnections = MOST_CONNECTIONS } = options;
  let trusted = "";
  let agent = new Agent();

  function authorization(): Awaited<ReturnType<ClusterAccess["authorize"]>> {
    const [token, ca] = [readFileSync(`${dir}/token`, "utf8"), readFileSync(`${dir}/ca.crt`, "utf8")];
    if (ca !== trusted) {
      trusted = ca;
      agent = new Agent({ ca, keepAlive: true, maxSockets: mostConnections });
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
