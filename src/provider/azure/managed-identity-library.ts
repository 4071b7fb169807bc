import { Agent } from "node:http";
import { createDefaultHttpClient, type HttpClient } from "@azure/core-rest-pipeline";
import { ManagedIdentityCredential, type ManagedIdentityCredentialClientIdOptions } from "@azure/identity";
import { DriverError } from "../../errors.ts";
import type { ManagedIdentity } from "./identity.ts";
import { metadataFault, metadataRefusal } from "./metadata-refusal.ts";
import type { TokenSource } from "./token-source.ts";
import { isAborted, type Transport } from "./transport.ts";
import { unprintable } from "./unprintable.ts";
import { createWitness, type Exchange } from "./witness.ts";

/** The library repeats what is answered with 404 or 410 for 70 s (an identity may be on its way to the node). */
const LIMIT_MS = 100_000;

/**
 * The tokens of identities of nodes that are no plain machine in Azure, from wherever the library finds them by the
 * environment. It keeps its own retry policy and, for the whole process, tokens: one that a vault refuses comes again until
 * it expires.
 */
export function createLibrarySources({
  userAgent,
  timeoutMs,
}: Pick<Transport, "userAgent" | "timeoutMs">): (identity: ManagedIdentity) => TokenSource {
  const watched = createWatchedClient(timeoutMs);
  const options = { userAgentOptions: { userAgentPrefix: userAgent }, httpClient: watched.client };
  return ({ clientId }) => {
    const credential = create(clientId, options);
    return async (scopes) => {
      try {
        return await limited(credential.getToken(scopes));
      } catch (error) {
        throw explain(watched.last(clientId), clientId, error);
      } finally {
        watched.forget(clientId);
      }
    };
  };
}

/** The library may refuse a client id at once. */
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
  /** The last exchange about an identity that is not forgotten. */
  last(clientId: string): Exchange;
  forget(clientId: string): void;
}

/**
 * Whatever credential asks, the library sends the request by the HTTP client of the first one in this process: so there is
 * one for all, which tells identities apart by what was asked for. The node itself is asked, in the clear and through no proxy.
 */
function createWatchedClient(timeoutMs: number): WatchedClient {
  const plain = createDefaultHttpClient();
  const agent = unprintable(new Agent({ keepAlive: true }));
  const exchanges = new Map<string, Exchange>();
  return {
    client: {
      async sendRequest(request) {
        const clientId = new URL(request.url).searchParams.get("client_id") ?? "";
        const witness = createWitness(timeoutMs);
        if (request.url.startsWith("http:")) request.agent = agent;
        try {
          return await witness.policy.sendRequest(request, (asked) => plain.sendRequest(asked));
        } finally {
          exchanges.set(clientId, witness.last());
        }
      },
    },
    last: (clientId) => exchanges.get(clientId) ?? {},
    forget: (clientId) => void exchanges.delete(clientId),
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
  if (answer !== undefined) return metadataRefusal(answer, clientId, cause);
  return metadataFault({ fault: isAborted(fault) ? "late" : "unreachable", cause });
}
