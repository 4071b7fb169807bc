import type { Agent, RequestOptions } from "node:https";
import { KubeConfig } from "@kubernetes/client-node";
import { DriverError } from "../errors.ts";
import type { ClusterAccess } from "./access.ts";

/**
 * A context of a kubeconfig file, the current one by default; without a file, of those that kubectl would read. Loaded only where one is used: the client's generated models cost more
 * memory than the rest of the program, so clusters never get here.
 */
export function createKubeconfigAccess(path: string, context = ""): ClusterAccess {
  const config = new KubeConfig();
  try {
    if (path === "") config.loadFromDefault();
    else config.loadFromFile(path);
  } catch (cause) {
    throw unusable(path, "cannot be read", cause);
  }
  if (context !== "") config.setCurrentContext(context);
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw unusable(path, "has no current context with a cluster");
  return {
    server: new URL(server),
    authorize: async () => {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      const { headers = {}, auth, agent } = options;
      return { headers, agent: agent as Agent, ...(auth !== undefined && { auth }) };
    },
  };
}

function unusable(path: string, complaint: string, cause?: unknown): DriverError {
  return new DriverError("InvalidRequest", `kubeconfig ${path} ${complaint}: correct --kubeconfig or KUBECONFIG`, {
    cause,
  });
}
