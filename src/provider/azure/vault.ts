import type { Freshness } from "../../ports.ts";
import type { Identity } from "./identity.ts";
import type { VaultAddress } from "./vault-address.ts";

/** A secret as the vault tells it; anything may be missing. */
export interface SecretBundle {
  readonly id?: string | undefined;
  readonly value?: string | undefined;
  readonly contentType?: string | undefined;
  /** Set when the secret is the other half of a certificate. */
  readonly keyId?: string | undefined;
}

/** A key as the vault tells it, its numbers in base64url. */
export interface KeyBundle {
  readonly key?:
    Readonly<Partial<Record<"kid" | "kty" | "crv" | "n" | "e" | "x" | "y", string | undefined>>> | undefined;
}

/** A certificate as the vault tells it; `cer` is DER in base64. */
export interface CertificateBundle {
  readonly id?: string | undefined;
  readonly cer?: string | undefined;
}

/** A version in a vault's list, without its value. */
export interface VaultVersion {
  /** `https://<vault>/<collection>/<name>/<version>` */
  readonly id?: string | undefined;
  readonly attributes?: { readonly enabled?: boolean | undefined; readonly created?: number | undefined } | undefined;
}

/** One vault under one identity. An empty version is the current one. Calls throw DriverError; the signal ends them. */
export interface Vault {
  secret(name: string, version: string, signal: AbortSignal): Promise<SecretBundle>;
  key(name: string, version: string, signal: AbortSignal): Promise<KeyBundle>;
  certificate(name: string, version: string, signal: AbortSignal): Promise<CertificateBundle>;
  /** All versions of an object, in no particular order. */
  versions(
    collection: VaultQuestion["collection"],
    name: string,
    signal: AbortSignal,
  ): Promise<readonly VaultVersion[]>;
}

/** A vault whose answers are as fresh as asked for. Throws InvalidRequest for an identity that cannot be used; asks nobody yet. */
export type OpenVault = (vault: VaultAddress, identity: Identity, freshness: Freshness) => Vault;

/** What a vault is asked for. */
export interface VaultQuestion {
  readonly vault: VaultAddress;
  readonly collection: "secrets" | "keys" | "certificates";
  readonly name: string;
  readonly version: string;
}

/** The version that an id names; undefined if it names none. */
export function versionIn(id: string | undefined): string | undefined {
  const version = URL.parse(id ?? "")?.pathname.split("/")[3];
  return version === "" ? undefined : version;
}
