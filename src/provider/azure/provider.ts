import type { Agent } from "node:https";
import { inContext } from "../../errors.ts";
import type { Content, ContentRequest } from "../../model.ts";
import type { Metrics, Provider } from "../../ports.ts";
import { createAgent } from "./agent.ts";
import { createAuthorityMetadata } from "./authority-metadata.ts";
import { resolveCloud } from "./cloud.ts";
import { fetchContent } from "./content.ts";
import { withContext } from "./context.ts";
import { chooseIdentity, type Identity } from "./identity.ts";
import { createKeyholders } from "./keyholder.ts";
import { createMetadataService } from "./managed-identity.ts";
import { createObjectsReader } from "./objects-reader.ts";
import { parseParameters } from "./parameters.ts";
import { createTokenProxy, type TokenProxyOptions } from "./token-proxy.ts";
import { createReading, type Reading, type ReadingOptions } from "./reading.ts";
import { vaultAddress, type VaultAddress } from "./vault-address.ts";
import { parseProxy } from "./proxy.ts";
import { createVaults } from "./vaults.ts";
import type { OpenVault, Vault } from "./vault.ts";

export interface AzureProviderOptions extends ReadingOptions {
  /** Begins the User-Agent of every request: `csi-secrets-store/<version> …`. */
  readonly userAgent: string;
  readonly metrics: Pick<Metrics, "vaultRequest" | "watchVaults">;
  /** The cloud of classes that name none; by default AzurePublicCloud. */
  readonly cloudName?: string | undefined;
  /** The file of AzureStackCloud for classes that name none (AZURE_ENVIRONMENT_FILEPATH). */
  readonly cloudEnvFile?: string | undefined;
  /** HTTPS_PROXY and NO_PROXY are read from it; by default there is no proxy. */
  readonly proxyEnv?: NodeJS.ProcessEnv;
  /** Connections to vaults and Entra ID; by default kept alive, through the proxy of `proxyEnv`, with Node's CAs. */
  readonly agent?: Agent;
  /** The way to Entra ID of identity bindings. */
  readonly tokenProxy: TokenProxyOptions;
  /** Where the identities of the node are, if not at its metadata service; by default nothing is said. */
  readonly env?: NodeJS.ProcessEnv;
  /** Of aad-pod-identity on this node, `http://host:port`. */
  readonly nmiUrl: string;
  readonly openVault?: OpenVault;
}

/** A vault request that has not ended by then has no answer (design section 9). */
const requestTimeoutMs = 10_000;

/** The Azure Key Vault provider: parameters → cloud → identity → objects → vault → content. Asks nobody yet. Throws InvalidRequest for a proxy that cannot be used. */
export function createAzureProvider(options: AzureProviderOptions): Provider {
  const openVault = options.openVault ?? openOnNetwork(options);
  const means = { ...options, readObjects: createObjectsReader(), reading: createReading(options) };
  return {
    async fetch(request, freshness, signal) {
      const openFresh: OpenFresh = (address, identity) => openVault(address, identity, freshness);
      try {
        return await mount(request, { ...means, openVault: openFresh }, signal);
      } catch (error) {
        throw inContext("failed to mount objects, error: ", error);
      }
    },
  };
}

function openOnNetwork({
  userAgent,
  metrics,
  agent,
  proxyEnv = {},
  env = {},
  nmiUrl,
  tokenProxy,
}: AzureProviderOptions): OpenVault {
  const proxy = parseProxy(proxyEnv);
  const transport = { userAgent, agent: agent ?? createAgent(proxy), proxy, timeoutMs: requestTimeoutMs };
  const metadata = createMetadataService({ ...transport, env });
  const time = { clock: () => new Date(), elapsed: () => performance.now() };
  const authorities = createAuthorityMetadata(time.elapsed);
  const means = { transport, authorities, metadata, nmiUrl, tokenProxy: createTokenProxy(tokenProxy) };
  const holderOf = createKeyholders({ ...means, ...time });
  return createVaults({ ...time, holderOf, requestTimeoutMs, metrics, random: Math.random });
}

type OpenFresh = (...vault: [VaultAddress, Identity]) => Vault;
type Means = Pick<AzureProviderOptions, "cloudName" | "cloudEnvFile"> & {
  readonly openVault: OpenFresh;
  readonly readObjects: ReturnType<typeof createObjectsReader>;
  readonly reading: Reading;
};

/** The order is that of azure-provider 1.3: users mend one fault after the other. */
async function mount(request: ContentRequest, means: Means, signal: AbortSignal): Promise<Content> {
  const parameters = parseParameters(request);
  const cloud = await resolveCloud({
    name: parameters.cloudName || (means.cloudName ?? "AzurePublicCloud"),
    file: parameters.cloudEnvFileName || (means.cloudEnvFile ?? ""),
    kubeletRoot: request.volume.kubeletRoot,
  });
  const identity = chooseIdentity({ parameters, cloud, request, now: new Date() });
  const objects = means.readObjects(parameters.objects, request.fileMode);
  if (objects.length === 0) return { files: [], versions: [] };
  const address = withContext("failed to get vault: ", () => vaultAddress(parameters.keyvaultName, cloud));
  const vault = withContext("failed to get keyvault client: ", () => means.openVault(address, identity));
  return fetchContent({ vault, ...means.reading }, objects, signal);
}
