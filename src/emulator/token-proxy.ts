import { createAuthority, type CertificateAuthority, type ServerIdentity } from "./ca.ts";
import { clusterIssuer, proxyDomain, tokenProxyName } from "./cluster-identity.ts";
import type { Directory } from "./entra/directory.ts";
import { createEndpoints } from "./entra/endpoints.ts";
import { judgeAssertion } from "./entra/federation.ts";
import { entraRefusals, refuseAll, type EntraRefusal } from "./entra/refusals.ts";
import { assertionOf, type Prove } from "./entra/token-request.ts";
import { createFront, type Steering } from "./front.ts";
import type { NamedServer } from "./listener.ts";
import { isSameId, type ManagedIdentity } from "./managed-identity.ts";
import type { Network } from "./network.ts";
import type { SigningKey } from "./signing-key.ts";

/** Which service account may be which identity, as AKS's identity binding and the cluster's RBAC say together. */
export interface IdentityBinding extends ManagedIdentity {
  /** `system:serviceaccount:<namespace>:<name>`. */
  readonly subject: string;
}

/** The token proxy of AKS: in the place of the token service it takes tokens of the cluster's service accounts. */
export interface TokenProxy extends Steering {
  readonly server: NamedServer;
  bindIdentity(binding: IdentityBinding): void;
  /** From now on the certificate is of a new authority, whose PEM this is; connections that are open stay. */
  renewAuthority(): Promise<string>;
}

export interface TokenProxyOptions {
  readonly clusterId: string;
  readonly authority: CertificateAuthority;
  /** Hosts of the token service: only requests that are meant for them are taken. */
  readonly loginHosts: readonly string[];
  readonly entraKey: SigningKey;
  readonly directory: Directory;
  readonly network: Network;
}

const audience = "api://AKSIdentityBinding";

/** A proxy without bindings. */
export async function createTokenProxy(options: TokenProxyOptions): Promise<TokenProxy> {
  const { clusterId, authority, loginHosts, entraKey: signingKey, directory, network } = options;
  const name = tokenProxyName(clusterId);
  const bindings: IdentityBinding[] = [];
  const front = createFront({ network, refuse: refuseAll });
  const endpoints = createEndpoints({ signingKey, directory, prove: proveBy(bindings, directory) });
  let identity: ServerIdentity = await authority.issue([name]);

  function answer(request: Request): Response | Promise<Response> {
    const { host } = new URL(request.url);
    if (!loginHosts.includes(host)) return new Response(`${host} is not the token service's host`, { status: 421 });
    return endpoints(request);
  }

  return {
    ...front.steering,
    server: {
      isOwn: (serverName) => serverName.endsWith(proxyDomain),
      identityFor: (serverName) => (serverName === name ? identity : undefined),
      handler: (request, connection) => front.receive(request, connection, () => answer(request)),
    },
    bindIdentity(binding) {
      const { tenantId, clientId, objectId } = binding;
      if (directory.app(tenantId, clientId) === undefined) directory.register({ tenantId, clientId, objectId });
      bindings.push(binding);
    },
    async renewAuthority() {
      const renewed = await createAuthority();
      identity = await renewed.issue([name]);
      return renewed.pem;
    },
  };
}

/** By a service account's token that a binding lets be the identity; what does not is forbidden. */
function proveBy(bindings: readonly IdentityBinding[], { keysOf }: Directory): Prove {
  return async (form, tenant) => {
    const clientId = form.get("client_id") ?? "";
    const bound = bindings.filter((known) => isSameId(known.tenantId, tenant.id) && isSameId(known.clientId, clientId));
    const [identity] = bound;
    if (identity === undefined) return forbidden(entraRefusals.unknownApp(clientId, tenant.domain ?? tenant.id));
    const assertion = assertionOf(form) ?? entraRefusals.noClientSecret();
    if (typeof assertion !== "string") return forbidden(assertion);
    const credentials = bound.map(({ subject }) => ({ issuer: clusterIssuer, audience, subject }));
    const refusal = await judgeAssertion(assertion, credentials, keysOf);
    return refusal === undefined ? identity : forbidden(refusal);
  };
}

function forbidden(refusal: EntraRefusal): EntraRefusal {
  return { ...refusal, status: 403 };
}
