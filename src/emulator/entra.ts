import { adfsTenant, issueToken, type Grant } from "./entra/access-token.ts";
import type { Directory } from "./entra/directory.ts";
import { createEndpoints, tokenLifetimeS } from "./entra/endpoints.ts";
import { refuseAll } from "./entra/refusals.ts";
import { proveBy } from "./entra/token-request.ts";
import { createFront, type Steering } from "./front.ts";
import type { Handler } from "./listener.ts";
import type { Network } from "./network.ts";
import type { SigningKey } from "./signing-key.ts";

/** The token service: metadata, keys, and tokens for client credentials. */
export interface Entra extends Steering, Pick<Directory, "addTenant" | "register" | "trustIssuer" | "federate"> {
  readonly handler: Handler;
  /** Issues a token without asking for a proof. A negative lifetime makes one that has expired. */
  issue(grant: Grant, lifetimeS?: number): Promise<string>;
}

/** A token service for whom the directory knows. */
export function createEntra(signingKey: SigningKey, directory: Directory, network: Network): Entra {
  directory.addTenant({ id: adfsTenant });
  const { addTenant, register, trustIssuer, federate } = directory;
  const front = createFront({ network, refuse: refuseAll });
  const endpoints = createEndpoints({ signingKey, directory, prove: proveBy(directory) });
  return {
    ...front.steering,
    ...{ addTenant, register, trustIssuer, federate },
    handler: (request, connection) => front.receive(request, connection, () => endpoints(request)),
    issue: (grant, lifetimeS = tokenLifetimeS) => issueToken(signingKey, grant, lifetimeS),
  };
}
