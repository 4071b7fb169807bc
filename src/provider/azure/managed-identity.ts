import { setTimeout as delay } from "node:timers/promises";
import { inContext } from "../../errors.ts";
import type { ManagedIdentity } from "./identity.ts";
import { imdsSource, parseImdsUrl } from "./imds.ts";
import type { Patience } from "./imds-retry.ts";
import { createLibrarySources } from "./managed-identity-library.ts";
import type { TokenSource } from "./token-source.ts";
import type { Transport } from "./transport.ts";

/** Where the identities of the node have their tokens from. */
export interface MetadataService {
  /** Throws InvalidRequest at once for one that this kind of node does not let be chosen. */
  sourceOf(identity: ManagedIdentity): TokenSource;
}

export interface MetadataServiceOptions extends Pick<Transport, "userAgent" | "timeoutMs">, Partial<Patience> {
  /** Says what kind of node this is; by default a machine in Azure. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * The tokens of identities of the node (azure-provider 2.6): from the node's metadata service, asked by ourselves; where the
 * environment names another service, from that one by way of the library. Throws InvalidRequest for an address that cannot
 * be asked.
 */
export function createMetadataService(options: MetadataServiceOptions): MetadataService {
  const sourceOf = choose(options);
  return {
    sourceOf: (identity) => {
      const source = sourceOf(identity);
      return async (scopes) => {
        try {
          return await source(scopes);
        } catch (error) {
          throw inContext("ManagedIdentityCredential authentication failed: ", error);
        }
      };
    },
  };
}

/** IDENTITY_ENDPOINT: App Service, Service Fabric, Arc-enabled servers; MSI_ENDPOINT: Cloud Shell and older ones. */
function choose({ env = {}, ...options }: MetadataServiceOptions): MetadataService["sourceOf"] {
  if (env["IDENTITY_ENDPOINT"] || env["MSI_ENDPOINT"]) return createLibrarySources(options);
  const pause = (pauseMs: number): Promise<unknown> => delay(pauseMs, undefined, { ref: false });
  const patience = { clock: () => new Date(), random: Math.random, pause };
  const imds = { ...patience, ...options, url: parseImdsUrl(env["AZURE_POD_IDENTITY_AUTHORITY_HOST"]) };
  return (identity) => imdsSource(identity, imds);
}
