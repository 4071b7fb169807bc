import { DriverError } from "../../errors.ts";
import type { Cloud } from "./cloud.ts";

/** A vault, by its name and where it answers. */
export interface VaultAddress {
  readonly name: string;
  /** `https://<name>.<suffix>/` */
  readonly url: string;
}

/** Where a vault of this name is in a cloud (azure-provider 1.5). Throws InvalidRequest. */
export function vaultAddress(name: string, { vaultSuffix }: Pick<Cloud, "vaultSuffix">): VaultAddress {
  const bytes = Buffer.byteLength(name);
  if (bytes < 3 || bytes > 24) throw invalidName(name, "must be between 3 and 24 chars");
  if (!/^[-A-Za-z0-9]+$/.test(name)) throw invalidName(name, "must match [-a-zA-Z0-9]{3,24}");
  const url = `https://${name}.${vaultSuffix}/`;
  if (SUFFIX.test(vaultSuffix) && URL.canParse(url)) return { name, url };
  throw new DriverError(
    "InvalidRequest",
    "keyVaultDNSSuffix of the cloud file must be a DNS name such as vault.example.org",
  );
}

/** Labels and perhaps a port; no dot in front, which some tools write and which would lead nowhere. */
const SUFFIX = /^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.?(:\d{1,5})?$/;

function invalidName(name: string, rule: string): DriverError {
  return new DriverError("InvalidRequest", `Invalid vault name: ${JSON.stringify(name)}, ${rule}`);
}
