import type { Agent, RequestOptions } from "node:https";

/** Where the Kubernetes API is and how a request proves who asks. Asked before each request: tokens and CAs rotate. */
export interface ClusterAccess {
  readonly server: URL;
  authorize(): Promise<Pick<RequestOptions, "headers" | "auth"> & { readonly agent: Agent }>;
}
