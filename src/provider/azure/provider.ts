import { Agent } from "node:https";
import { inContext } from "../../errors.ts";
import type { Content, ContentRequest } from "../../model.ts";
import type { Provider } from "../../ports.ts";
import { resolveCloud } from "./cloud.ts";
import { fetchContent } from "./content.ts";
import { withContext } from "./context.ts";
import { chooseIdentity } from "./identity.ts";
import { parseObjects } from "./objects.ts";
import { parseParameters } from "./parameters.ts";
import { vaultAddress } from "./vault-address.ts";
import { createVaultOpener } from "./vault-client.ts";
import type { OpenVault } from "./vault.ts";

export interface AzureProviderOptions {
  /** Begins the User-Agent of every request: `csi-secrets-store/<version> …`. */
  readonly userAgent: string;
  /** The cloud of classes that name none; by default AzurePublicCloud. */
  readonly cloudName?: string | undefined;
  /** The file of AzureStackCloud for classes that name none (AZURE_ENVIRONMENT_FILEPATH). */
  readonly cloudEnvFile?: string | undefined;
  /** Connections to vaults and Entra ID; by default kept alive, straight, with Node's CAs. */
  readonly agent?: Agent;
  readonly openVault?: OpenVault;
}

/** To one vault at a time; what is more waits for a connection (design section 5: concurrency 20). */
const mostConnections = 20;

/** A vault request that has not ended by then has no answer (design section 9). */
const requestTimeoutMs = 10_000;

/** The Azure Key Vault provider: parameters → cloud → identity → objects → vault → content. Asks nobody yet. */
export function createAzureProvider(options: AzureProviderOptions): Provider {
  const openVault = options.openVault ?? openOnNetwork(options);
  return {
    async fetch(request, signal) {
      try {
        return await mount(request, { ...options, openVault }, signal);
      } catch (error) {
        throw inContext("failed to mount objects, error: ", error);
      }
    },
  };
}

function openOnNetwork({ userAgent, agent }: AzureProviderOptions): OpenVault {
  const transport = {
    userAgent,
    agent: agent ?? new Agent({ keepAlive: true, maxSockets: mostConnections }),
    timeoutMs: requestTimeoutMs,
  };
  return createVaultOpener(transport);
}

type Means = Pick<AzureProviderOptions, "cloudName" | "cloudEnvFile"> & { readonly openVault: OpenVault };

/** The order is that of azure-provider 1.3: users mend one fault after the other. */
async function mount(request: ContentRequest, means: Means, signal: AbortSignal): Promise<Content> {
  const parameters = parseParameters(request);
  const cloud = await resolveCloud({
    name: parameters.cloudName || (means.cloudName ?? "AzurePublicCloud"),
    file: parameters.cloudEnvFileName || (means.cloudEnvFile ?? ""),
    kubeletRoot: request.volume.kubeletRoot,
  });
  const identity = chooseIdentity(parameters, cloud, request.credentials);
  const objects = parseObjects(parameters.objects);
  if (objects.length === 0) return { files: [], versions: [] };
  const address = withContext("failed to get vault: ", () => vaultAddress(parameters.keyvaultName, cloud));
  const vault = withContext("failed to get keyvault client: ", () => means.openVault(address, identity));
  return fetchContent(vault, objects, signal);
}
