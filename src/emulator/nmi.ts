import { Hono } from "hono";
import { isResource } from "./entra/resources.ts";
import { createFront, type Steering } from "./front.ts";
import type { Handler } from "./listener.ts";
import { issueManaged, type Issue, type ManagedIdentity } from "./managed-identity.ts";
import type { Network } from "./network.ts";

/** Which identity a pod has. */
export interface PodBinding extends ManagedIdentity {
  readonly namespace: string;
  readonly podName: string;
}

/** The node's part of aad-pod-identity, as it serves the node itself: tokens for pods that are named. */
export interface Nmi extends Steering {
  readonly handler: Handler;
  /** Gives a pod its identity; another that it had is replaced. */
  bind(binding: PodBinding): void;
}

/** An NMI on whose node no pod has an identity yet. */
export function createNmi(issue: Issue, network: Network): Nmi {
  const bindings = new Map<string, PodBinding>();
  const front = createFront({
    network,
    refuse: (status) => new Response("the emulator was told to fail\n", { status }),
  });

  async function token(request: Request): Promise<Response> {
    const [podns, podname] = [request.headers.get("podns"), request.headers.get("podname")];
    if (!podns || !podname) return refuse(400, "missing 'podname' and 'podns' from request header");
    const binding = bindings.get(`${podns}/${podname}`);
    if (binding === undefined)
      return refuse(404, `no AzureAssignedIdentity found for pod:${podns}/${podname} in assigned state`);
    const resource = rawResource(request.url);
    if (!isResource(resource)) return refuse(403, `failed to get service principal token for resource '${resource}'`);
    const issued = await issueManaged(issue, binding, resource);
    return Response.json({ token: { ...issued, refresh_token: "" }, clientid: binding.clientId });
  }

  const app = new Hono().get("/host/token/", (c) => token(c.req.raw));
  return {
    ...front.steering,
    handler: (request, connection) => front.receive(request, connection, () => app.fetch(request)),
    bind: (binding) => void bindings.set(`${binding.namespace}/${binding.podName}`, binding),
  };
}

/** As it stands in the query: a client that encodes it asks for another resource. */
function rawResource(url: string): string {
  return /[?&]resource=([^&#]*)/.exec(url)?.[1] ?? "";
}

/** With the line break that Go's http.Error adds. */
function refuse(status: number, message: string): Response {
  return new Response(`${message}\n`, { status });
}
