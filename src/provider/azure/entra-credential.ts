import { ClientAssertionCredential, ClientSecretCredential, type AccessToken } from "@azure/identity";
import { DriverError, inContext } from "../../errors.ts";
import type { Assertions } from "./assertions.ts";
import { entraRefusal, type EntraClient } from "./entra-refusal.ts";
import type { FederatedIdentity, ServicePrincipal } from "./identity.ts";
import type { PipelinePolicy } from "./policy.ts";
import type { TokenProxy } from "./token-proxy.ts";
import type { TokenSource } from "./token-source.ts";
import { clientOptions, isAborted, networkFault, type Transport } from "./transport.ts";
import { createWitness, type Witness } from "./witness.ts";

/** What is needed to ask Entra ID. */
export interface EntraMeans {
  readonly transport: Transport;
  readonly assertions: Assertions;
  readonly tokenProxy: TokenProxy;
}

/**
 * The tokens of an application, by its secret (azure-provider 2.3). Always of its own tenant and without continuous
 * access evaluation, whatever a vault's challenge asks for (2.8). Throws InvalidRequest at once for a tenant or an
 * authority that cannot be asked (2.9); all else when a token is wanted.
 */
export function secretSource(client: ServicePrincipal, { transport }: Pick<EntraMeans, "transport">): TokenSource {
  const authority = authorityOf(client);
  const witness = createWitness(transport.timeoutMs);
  const options = entraOptions(client, transport, [witness.policy]);
  const entra = new ClientSecretCredential(client.tenantId, client.clientId, client.clientSecret, options);
  const explain = explainer({ authority, host: authority.host, witness, timeoutMs: transport.timeoutMs });
  return async (scopes) => {
    try {
      return await entra.getToken(scopes);
    } catch (error) {
      throw inContext("ClientSecretCredential authentication failed: ", explain(client, error));
    }
  };
}

/**
 * The tokens of an application, by a service account token (azure-provider 2.4, 2.5): the one on record that lasts longest,
 * and if that is refused the next one, once. Throws as above.
 */
export function assertionSource(identity: FederatedIdentity, means: EntraMeans): TokenSource {
  const { assertions } = means;
  const authority = authorityOf(identity);
  const { transport, host, policies } = routeOf(identity, authority, means);
  const witness = createWitness(transport.timeoutMs);
  let offered = identity.token;
  const assertion = (): Promise<string> => Promise.resolve(offered.value);
  const options = entraOptions(identity, transport, [witness.policy, ...policies]);
  const entra = new ClientAssertionCredential(identity.tenantId, identity.clientId, assertion, options);
  const explain = explainer({ authority, host, witness, timeoutMs: transport.timeoutMs });

  async function offerBest(scopes: string | string[]): Promise<AccessToken> {
    offered = assertions.best();
    try {
      return await entra.getToken(scopes);
    } catch (error) {
      const failure = explain({ ...identity, token: offered }, error);
      throw inContext("ClientAssertionCredential authentication failed: ", failure);
    }
  }

  return async (scopes) => {
    try {
      return await offerBest(scopes);
    } catch (error) {
      const isRefused = error instanceof DriverError && error.reason === "PermissionDenied";
      if (!isRefused || !assertions.drop(offered)) throw error;
      return await offerBest(scopes);
    }
  };
}

/** Straight to Entra ID, through an HTTP proxy perhaps; or to the cluster's token proxy, which none stands before. */
function routeOf({ kind }: FederatedIdentity, authority: URL, { transport, tokenProxy }: EntraMeans) {
  if (kind === "workload") return { transport, host: authority.host, policies: [] };
  return { transport: { ...transport, proxy: undefined }, host: tokenProxy.host, policies: [tokenProxy.policy] };
}

function entraOptions({ cloud, kind }: EntraClient, transport: Transport, policies: readonly PipelinePolicy[]) {
  const options = clientOptions(transport);
  const own = policies.map((policy) => ({ policy, position: "perRetry" as const }));
  return {
    ...options,
    authorityHost: cloud.authorityHost,
    disableInstanceDiscovery: cloud.custom || kind === "binding",
    additionalPolicies: [...options.additionalPolicies, ...own],
  };
}

function authorityOf({ tenantId, cloud }: EntraClient): URL {
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

interface Asking {
  readonly authority: URL;
  /** Where the requests really go. */
  readonly host: string;
  readonly witness: Witness;
  readonly timeoutMs: number;
}

/** Why a credential had no token, from the last exchange seen on the wire. */
function explainer({ authority: { origin, pathname }, host, witness, timeoutMs }: Asking) {
  return (client: EntraClient, error: unknown): DriverError => {
    const { answer, fault } = witness.last();
    if (answer !== undefined) return entraRefusal({ authority: `${origin}${pathname}`, client }, answer, error);
    if (fault instanceof DriverError) return fault;
    const network = isAborted(fault)
      ? `no answer from ${host} within ${timeoutMs / 1000} s`
      : networkFault(host, fault, "check the DNS of this node");
    return new DriverError("ProviderUnavailable", network ?? `no token from ${host}`, { cause: error });
  };
}
