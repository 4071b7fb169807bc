import { DriverError, inContext } from "../../errors.ts";
import { readCloudFile } from "./cloud-file.ts";

/** Where tokens come from and where vaults live (azure-provider 3). */
export interface Cloud {
  /** `https://` in every cloud of ours; a cloud file may say anything. */
  readonly authorityHost: string;
  /** DNS suffix of vaults, without a dot in front. */
  readonly vaultSuffix: string;
  /** Key Vault as a resource that tokens are for, as aad-pod-identity wants it named. */
  readonly keyVaultEndpoint: string;
  /** Described by a file: nobody at login.microsoftonline.com vouches for its authority, so nobody there is asked. */
  readonly custom: boolean;
}

/** Which cloud a request names, and what it may not name. */
export interface CloudChoice {
  readonly name: string;
  /** Of the file that describes AzureStackCloud; looked at in that cloud only. */
  readonly file: string;
  readonly kubeletRoot: string;
}

/** The one that a file describes. */
const STACK = "AZURESTACKCLOUD";

const publicCloud: Cloud = cloud("https://login.microsoftonline.com/", "vault.azure.net");
const usGovernment: Cloud = cloud("https://login.microsoftonline.us/", "vault.usgovcloudapi.net");

const clouds: ReadonlyMap<string, Cloud> = new Map([
  ["AZUREPUBLICCLOUD", publicCloud],
  ["AZURECLOUD", publicCloud],
  ["AZUREUSGOVERNMENTCLOUD", usGovernment],
  ["AZUREUSGOVERNMENT", usGovernment],
  ["AZURECHINACLOUD", cloud("https://login.chinacloudapi.cn/", "vault.azure.cn")],
  ["AZUREGERMANCLOUD", cloud("https://login.microsoftonline.de/", "vault.microsoftazure.de")],
]);

/** Whether a cloud has that name, in any case. */
export function isCloudName(name: string): boolean {
  const upper = name.toUpperCase();
  return upper === STACK || clouds.has(upper);
}

/** The cloud of a name, in any case; AzureStackCloud is read from its file each time. Throws InvalidRequest. */
export async function resolveCloud({ name, file, kubeletRoot }: CloudChoice): Promise<Cloud> {
  try {
    const upper = name.toUpperCase();
    if (upper === STACK) return customCloud(await readCloudFile(file, kubeletRoot));
    const known = clouds.get(upper);
    if (known !== undefined) return known;
    throw new DriverError(
      "InvalidRequest",
      `autorest/azure: There is no cloud environment matching the name ${JSON.stringify(upper)}`,
    );
  } catch (error) {
    throw inContext(`cloudName ${name} is not valid, error: `, error);
  }
}

function customCloud(settings: ReadonlyMap<string, string>): Cloud {
  const authorityHost = settings.get("activedirectoryendpoint") ?? "";
  return {
    authorityHost: authorityHost === "" ? publicCloud.authorityHost : authorityHost,
    vaultSuffix: settings.get("keyvaultdnssuffix") ?? "",
    keyVaultEndpoint: settings.get("keyvaultendpoint") ?? "",
    custom: true,
  };
}

function cloud(authorityHost: string, vaultSuffix: string): Cloud {
  return { authorityHost, vaultSuffix, keyVaultEndpoint: `https://${vaultSuffix}/`, custom: false };
}
