import type { Agent, RequestOptions } from "node:https";

/** How a request proves who asks, and over which connections it goes. */
export type Authorization = Pick<RequestOptions, "headers" | "auth"> & { readonly agent: Agent };

/** Where the Kubernetes API is, and how requests get there. Asked before each request: tokens and CAs rotate. */
export interface ClusterAccess {
  readonly server: URL;
  authorize(): Promise<Authorization>;
}
