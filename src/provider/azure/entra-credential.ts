import { ClientAssertionCredential, ClientSecretCredential, type AccessToken } from "@azure/identity";
import { DriverError, inContext } from "../../errors.ts";
import type { Assertions } from "./assertions.ts";
import type { AuthorityMetadata } from "./authority-metadata.ts";
import { entraRefusal, type EntraClient } from "./entra-refusal.ts";
import type { FederatedIdentity, ServicePrincipal } from "./identity.ts";
import type { PipelinePolicy } from "./policy.ts";
import type { ServiceAccountToken } from "./service-account-token.ts";
import type { TokenProxy } from "./token-proxy.ts";
import type { TokenSource } from "./token-source.ts";
import { clientOptions, isAborted, networkFault, type Transport } from "./transport.ts";
import { createWitness, type Witness } from "./witness.ts";

/** What is needed to ask Entra ID. */
export interface EntraMeans {
  readonly transport: Transport;
  readonly assertions: Assertions;
  readonly tokenProxy: TokenProxy;
  readonly authorities: AuthorityMetadata;
}

/**
 * The tokens of an application, by its secret (azure-provider 2.3). Always of its own tenant and without continuous
 * access evaluation, whatever a vault's challenge asks for (2.8). Throws InvalidRequest at once for a tenant or an
 * authority that cannot be asked (2.9); all else when a token is wanted.
 */
export function secretSource(
  client: ServicePrincipal,
  { transport, authorities }: Pick<EntraMeans, "transport" | "authorities">,
): TokenSource {
  const authority = authorityOf(client);
  const ask = asker({ transport, authorities, host: authority.host, policies: [] }, authority);
  return (scopes) =>
    ask(client, (options) =>
      new ClientSecretCredential(client.tenantId, client.clientId, client.clientSecret, options).getToken(scopes),
    );
}

/**
 * The tokens of an application, by a service account token (azure-provider 2.4, 2.5): the one on record that lasts longest,
 * and if that is refused the next one, once. Throws as above.
 */
export function assertionSource(identity: FederatedIdentity, means: EntraMeans): TokenSource {
  const { assertions } = means;
  const authority = authorityOf(identity);
  const ask = asker(routeOf(identity, authority, means), authority);
  const offer = (token: ServiceAccountToken, scopes: string | string[]): Promise<AccessToken> =>
    ask({ ...identity, token }, (options) => {
      const assertion = (): Promise<string> => Promise.resolve(token.value);
      return new ClientAssertionCredential(identity.tenantId, identity.clientId, assertion, options).getToken(scopes);
    });
  return async (scopes) => {
    const best = assertions.best();
    try {
      return await offer(best, scopes);
    } catch (error) {
      const isRefused = error instanceof DriverError && error.reason === "PermissionDenied";
      if (!isRefused || !assertions.drop(best)) throw error;
      return await offer(assertions.best(), scopes);
    }
  };
}

/** How Entra ID is reached. */
interface Route {
  readonly transport: Transport;
  readonly authorities: AuthorityMetadata;
  /** Where the requests really go. */
  readonly host: string;
  readonly policies: readonly PipelinePolicy[];
}

/** Straight to Entra ID, through an HTTP proxy perhaps; or to the cluster's token proxy, which none stands before. */
function routeOf({ kind }: FederatedIdentity, authority: URL, means: EntraMeans): Route {
  const { transport, authorities, tokenProxy } = means;
  if (kind === "workload") return { transport, authorities, host: authority.host, policies: [] };
  const direct = { ...transport, proxy: undefined };
  return { transport: direct, authorities, host: tokenProxy.host, policies: [tokenProxy.policy] };
}

type EntraOptions = ReturnType<typeof entraOptions>;

const names = {
  servicePrincipal: "ClientSecretCredential",
  workload: "ClientAssertionCredential",
  binding: "ClientAssertionCredential",
} as const;

/**
 * Asks by a credential of the SDK that is made for this one question: the SDK's keep the body of every request, secrets
 * included, and shut themselves off for a minute and more after one 5xx. Tokens are kept by whoever asks.
 */
function asker(route: Route, authority: URL) {
  return async (client: EntraClient, question: (options: EntraOptions) => Promise<AccessToken>) => {
    const witness = createWitness(route.transport.timeoutMs);
    try {
      return await question(entraOptions(client, route, witness));
    } catch (error) {
      const failure = explain({ client, authority, host: route.host }, witness, error);
      throw inContext(`${names[client.kind]} authentication failed: `, failure);
    }
  };
}

function entraOptions({ cloud, kind }: EntraClient, route: Route, witness: Witness) {
  const options = clientOptions(route.transport);
  const policies = [witness.policy, route.authorities(route.host), ...route.policies];
  const own = policies.map((policy) => ({ policy, position: "perRetry" as const }));
  return {
    ...options,
    authorityHost: cloud.authorityHost,
    disableInstanceDiscovery: cloud.custom || kind === "binding",
    additionalPolicies: [...options.additionalPolicies, ...own],
  };
}

/** Parts of an address, and what Entra ID calls whoever signs in: an application is of one tenant. */
const noTenants = new Set([".", "..", "common", "organizations", "consumers"]);

function authorityOf({ tenantId, cloud }: EntraClient): URL {
  if (!/^[0-9a-zA-Z.-]+$/.test(tenantId) || noTenants.has(tenantId.toLowerCase())) {
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

interface Asked {
  readonly client: EntraClient;
  readonly authority: URL;
  readonly host: string;
}

/** Why a credential had no token, from the last exchange seen on the wire. */
function explain({ client, authority, host }: Asked, witness: Witness, error: unknown): DriverError {
  const { answer, fault } = witness.last();
  const { origin, pathname } = authority;
  if (answer !== undefined) return entraRefusal({ authority: `${origin}${pathname}`, client }, answer, error);
  if (fault instanceof DriverError) return fault;
  const network = isAborted(fault)
    ? `no answer from ${host} within ${witness.timeoutMs / 1000} s`
    : networkFault(host, fault, "check the DNS of this node");
  return new DriverError("ProviderUnavailable", network ?? `no token from ${host}`, { cause: error });
}
