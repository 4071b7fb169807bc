import { Agent, STATUS_CODES } from "node:http";
import { createDefaultHttpClient, type HttpClient } from "@azure/core-rest-pipeline";
import { ManagedIdentityCredential, type ManagedIdentityCredentialClientIdOptions } from "@azure/identity";
import { DriverError, inContext, type Reason } from "../../errors.ts";
import type { ManagedIdentity } from "./identity.ts";
import { parseJson, textAt } from "./json.ts";
import type { TokenSource } from "./token-source.ts";
import { isAborted, type Transport } from "./transport.ts";
import { unprintable } from "./unprintable.ts";
import { createWitness, type Exchange, type TokenRefusal } from "./witness.ts";

/** The library repeats what the metadata service answers with 404 or 410 for 70 s (an identity may be on its way to the node). */
const LIMIT_MS = 100_000;

/** Where the identities of the node have their tokens from. */
export interface MetadataService {
  sourceOf(identity: ManagedIdentity): TokenSource;
}

/**
 * The tokens of identities of the node (azure-provider 2.6), from wherever the library finds them by the environment: as a
 * rule the node's metadata service at 169.254.169.254. It keeps its own retry policy.
 */
export function createMetadataService({
  userAgent,
  timeoutMs,
}: Pick<Transport, "userAgent" | "timeoutMs">): MetadataService {
  const watched = createWatchedClient(timeoutMs);
  const options = { userAgentOptions: { userAgentPrefix: userAgent }, httpClient: watched.client };
  return {
    sourceOf: ({ clientId }) => {
      const credential = create(clientId, options);
      return async (scopes) => {
        try {
          return await limited(credential.getToken(scopes));
        } catch (error) {
          const failure = explain(watched.failure(clientId), clientId, error);
          throw inContext("ManagedIdentityCredential authentication failed: ", failure);
        }
      };
    },
  };
}

/** Where the environment says that this is no plain node, the library may refuse a client id at once. */
function create(clientId: string, options: ManagedIdentityCredentialClientIdOptions): ManagedIdentityCredential {
  try {
    return new ManagedIdentityCredential({ ...options, ...(clientId !== "" && { clientId }) });
  } catch (cause) {
    const remedy = "this kind of node does not let an identity be chosen: leave out userAssignedIdentityID";
    throw new DriverError("InvalidRequest", remedy, { cause });
  }
}

interface WatchedClient {
  readonly client: HttpClient;
  /** The last exchange about an identity, if it failed; it is told once. */
  failure(clientId: string): Exchange;
}

/**
 * Whatever credential asks, the library sends the request by the HTTP client of the first one in this process: so there is
 * one for all, which tells identities apart by what was asked for. The node itself is asked, in the clear and through no proxy.
 */
function createWatchedClient(timeoutMs: number): WatchedClient {
  const plain = createDefaultHttpClient();
  const agent = unprintable(new Agent({ keepAlive: true }));
  const failures = new Map<string, Exchange>();
  return {
    client: {
      async sendRequest(request) {
        const clientId = new URL(request.url).searchParams.get("client_id") ?? "";
        const witness = createWitness(timeoutMs);
        if (request.url.startsWith("http:")) request.agent = agent;
        failures.delete(clientId);
        try {
          return await witness.policy.sendRequest(request, (asked) => plain.sendRequest(asked));
        } finally {
          const exchange = witness.last();
          if (exchange.answer === undefined || exchange.answer.status >= 400) failures.set(clientId, exchange);
        }
      },
    },
    failure: (clientId) => {
      const exchange = failures.get(clientId) ?? {};
      failures.delete(clientId);
      return exchange;
    },
  };
}

async function limited<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const limit = setTimeout(() => {
    late.reject(new DOMException("The metadata service does not come to an end", "TimeoutError"));
  }, LIMIT_MS);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(limit);
  }
}

function explain({ answer, fault }: Exchange, clientId: string, cause: unknown): DriverError {
  if (answer !== undefined && answer.status >= 400) return refusal(answer, clientId, cause);
  const said = isAborted(fault) ? "does not answer" : "cannot be reached";
  return new DriverError(
    "ProviderUnavailable",
    `the metadata service ${said}: managed identity needs a node in Azure, and this plugin in the node's network`,
    { cause },
  );
}

function refusal({ status, body }: TokenRefusal, clientId: string, cause: unknown): DriverError {
  const answer = `RESPONSE ${status}: ${status} ${STATUS_CODES[status] ?? "Unknown"}`;
  const remedy = remedyOf(status, textAt(parseJson(body), "error_description") ?? "", clientId);
  return new DriverError(reasonOf(status), `metadata service: ${answer}. ${remedy}`, { cause });
}

function reasonOf(status: number): Reason {
  if (status === 429) return "Throttled";
  // 404 and 410: the service is being updated.
  return status >= 500 || [404, 408, 410].includes(status) ? "ProviderUnavailable" : "PermissionDenied";
}

function remedyOf(status: number, description: string, clientId: string): string {
  if (/multiple user assigned identities/i.test(description))
    return "The node has several identities: name one by userAssignedIdentityID";
  if (status === 400)
    return clientId === ""
      ? "The node has no identity assigned by the system: assign one, or name another by userAssignedIdentityID"
      : "The node does not have that identity: assign it to the node, and check that userAssignedIdentityID is its client ID";
  return "It is out of order; the next attempt comes by itself";
}
