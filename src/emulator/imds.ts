import { Hono } from "hono";
import { isResource } from "./entra/resources.ts";
import { createFront, type Steering } from "./front.ts";
import type { Handler } from "./listener.ts";
import { isSameId, issueManaged, type Issue, type ManagedIdentity } from "./managed-identity.ts";
import type { Network } from "./network.ts";

/** An identity that the VM has: its own (system-assigned), or one that was made apart and given to it. */
export interface VmIdentity extends ManagedIdentity {
  readonly system?: boolean;
}

/** The VM's metadata service, as far as it gives tokens. */
export interface Imds extends Steering {
  readonly handler: Handler;
  /** Gives the VM an identity; one of the same client id is replaced, and of its own a VM has only one. */
  assign(identity: VmIdentity): void;
}

/** What is refused, in the words of IMDS; `error` and `error_description` of the body. */
type Refusal = readonly [error: string, description: string];

const refusals = {
  noMetadataHeader: ["bad_request_102", "Required metadata header not specified"],
  notFound: ["invalid_request", "Identity not found"],
  ambiguous: [
    "invalid_request",
    "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request",
  ],
} as const satisfies Record<string, Refusal>;

/** The service of a VM that has no identity yet. */
export function createImds(issue: Issue, network: Network): Imds {
  let identities: readonly VmIdentity[] = [];
  const front = createFront({ network, refuse: refuseAll });

  async function token(request: Request): Promise<Response> {
    const query = new URL(request.url).searchParams;
    const refusal = judge(request, query);
    if (refusal !== undefined) return refuse(refusal);
    const identity = choose(identities, query);
    if ("length" in identity) return refuse(identity);
    const issued = await issueManaged(issue, identity, query.get("resource") ?? "");
    return Response.json({ ...issued, client_id: identity.clientId, ext_expires_in: issued.expires_in });
  }

  // Not strict: with an address of its own for the service, Azure's library asks with a slash at the end.
  const app = new Hono({ strict: false }).get("/metadata/identity/oauth2/token", (c) => token(c.req.raw));
  return {
    ...front.steering,
    handler: (request, connection) => front.receive(request, connection, () => app.fetch(request)),
    assign(identity) {
      const others = identities.filter(
        (other) => !isSameId(other.clientId, identity.clientId) && !(other.system && identity.system),
      );
      identities = [...others, identity];
    },
  };
}

/** What is wrong with a request, whoever it is for. */
function judge(request: Request, query: URLSearchParams): Refusal | undefined {
  if (request.headers.get("metadata") !== "true") return refusals.noMetadataHeader;
  const missing = ["api-version", "resource"].find((name) => !query.get(name));
  if (missing !== undefined) return ["invalid_request", `Required query variable '${missing}' is missing`];
  const resource = query.get("resource") ?? "";
  if (isResource(resource)) return undefined;
  return [
    "invalid_resource",
    `AADSTS500011: The resource principal named ${resource} was not found in the tenant. This can happen if the ` +
      "application has not been installed by the administrator of the tenant or consented to by any user in the tenant.",
  ];
}

/** The identity that a request names, or the one that is meant if it names none. */
function choose(identities: readonly VmIdentity[], query: URLSearchParams): VmIdentity | Refusal {
  const [clientId, objectId] = [query.get("client_id"), query.get("object_id")];
  if (query.has("msi_res_id")) return refusals.notFound;
  if (clientId !== null) return identities.find((known) => isSameId(known.clientId, clientId)) ?? refusals.notFound;
  if (objectId !== null) return identities.find((known) => isSameId(known.objectId, objectId)) ?? refusals.notFound;
  const own = identities.find(({ system }) => system) ?? identities[0];
  if (own === undefined) return refusals.notFound;
  return own.system || identities.length === 1 ? own : refusals.ambiguous;
}

function refuse([error, error_description]: Refusal, status = 400): Response {
  return Response.json({ error, error_description }, { status });
}

function refuseAll(status: number): Response {
  return status === 429
    ? refuse(["too_many_requests", "Too many requests"], status)
    : refuse(["temporarily_unavailable", "The metadata service cannot answer now"], status);
}
