import { ClientSecretCredential, type AccessToken, type TokenCredential } from "@azure/identity";
import { DriverError, inContext } from "../../errors.ts";
import { entraRefusal, type EntraAnswer } from "./entra-refusal.ts";
import type { ServicePrincipal } from "./identity.ts";
import type { PipelinePolicy } from "./policy.ts";
import { clientOptions, isAborted, networkFault, type Transport } from "./transport.ts";

/**
 * The tokens of a service principal. Always of its own tenant and without continuous access evaluation, whatever a
 * vault's challenge asks for (azure-provider 2.8). Throws InvalidRequest at once for a tenant or an authority that
 * cannot be asked (2.9); all else when a token is wanted.
 */
export function createCredential(principal: ServicePrincipal, transport: Transport): TokenCredential {
  const authority = authorityOf(principal);
  const witness = createWitness(transport.timeoutMs);
  const options = clientOptions(transport);
  const entra = new ClientSecretCredential(principal.tenantId, principal.clientId, principal.clientSecret, {
    ...options,
    authorityHost: principal.cloud.authorityHost,
    disableInstanceDiscovery: principal.cloud.custom,
    additionalPolicies: [...options.additionalPolicies, { policy: witness.policy, position: "perRetry" }],
  });
  const arriving = new Map<string, Promise<AccessToken>>();

  async function request(scopes: string | string[]): Promise<AccessToken> {
    try {
      return await entra.getToken(scopes);
    } catch (error) {
      const failure = witness.explain(authority, error);
      throw inContext("ClientSecretCredential authentication failed: ", failure);
    }
  }

  /** Objects are asked for at once: one token request serves them all. Tokens that have arrived are kept by the library. */
  function share(scopes: string | string[]): Promise<AccessToken> {
    const key = [scopes].flat().join(" ");
    const token = arriving.get(key) ?? request(scopes).finally(() => arriving.delete(key));
    arriving.set(key, token);
    return token;
  }

  return { getToken: (scopes, options) => orAborted(share(scopes), options?.abortSignal) };
}

function authorityOf({ tenantId, cloud }: ServicePrincipal): URL {
  if (!/^[0-9a-zA-Z.-]+$/.test(tenantId)) {
    throw new DriverError(
      "InvalidRequest",
      "invalid tenantID. You can locate your tenantID by following the instructions listed here: https://learn.microsoft.com/partner-center/find-ids-and-domain-names",
    );
  }
  const host = URL.parse(cloud.authorityHost);
  if (host?.protocol !== "https:") {
    throw new DriverError(
      "InvalidRequest",
      "cannot use an authority host without https: correct activeDirectoryEndpoint in the cloud file",
    );
  }
  return new URL(tenantId, host);
}

interface Witness {
  readonly policy: PipelinePolicy;
  /** What the failure of a token request was, from the last exchange seen on the wire. */
  explain(authority: URL, error: unknown): DriverError;
}

/**
 * The library's own errors drop what matters (an unreachable host becomes a bare text), so what went over the wire is
 * watched here. The library also offers no other way to end a request.
 */
function createWitness(timeoutMs: number): Witness {
  let answer: EntraAnswer | undefined;
  let fault: unknown;
  return {
    policy: {
      name: "entraWitness",
      async sendRequest(request, next) {
        request.timeout = timeoutMs;
        [answer, fault] = [undefined, undefined];
        try {
          const response = await next(request);
          // A body with a token is nobody's to keep.
          answer = { status: response.status, body: response.status < 400 ? "" : (response.bodyAsText ?? "") };
          return response;
        } catch (error) {
          fault = error;
          throw error;
        }
      },
    },
    explain({ origin, pathname, host }, error) {
      if (answer !== undefined) return entraRefusal(`${origin}${pathname}`, answer, error);
      const network = isAborted(fault)
        ? `no answer from ${host} within ${timeoutMs / 1000} s`
        : networkFault(host, fault, "check the DNS of this node");
      return new DriverError("ProviderUnavailable", network ?? `no token from ${host}`, { cause: error });
    },
  };
}

/** A token that is on its way belongs to the credential; a caller who leaves only stops waiting for it. */
async function orAborted<T>(arriving: Promise<T>, signal: AborterLike | undefined): Promise<T> {
  if (signal === undefined) return arriving;
  const left = Promise.withResolvers<never>();
  const leave = (): void => {
    left.reject(new DOMException("The caller stopped waiting for a token", "AbortError"));
  };
  signal.addEventListener("abort", leave);
  if (signal.aborted) leave();
  try {
    return await Promise.race([arriving, left.promise]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

/** The part of an AbortSignal that the SDK promises. */
interface AborterLike {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}
