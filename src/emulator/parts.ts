import { join } from "node:path";
import { openAuthority, type CertificateAuthority } from "./ca.ts";
import { clusterIssuer } from "./cluster-identity.ts";
import type { Parts } from "./control.ts";
import type { Entra } from "./entra.ts";
import type { Directory } from "./entra/directory.ts";
import { createImds } from "./imds.ts";
import { createKubernetes } from "./kubernetes.ts";
import type { Network } from "./network.ts";
import { createNmi } from "./nmi.ts";
import { isPublicVault, publicLogin } from "./public-cloud.ts";
import { openIdentities, type Identities } from "./settings.ts";
import { openSigningKey, type SigningKey } from "./signing-key.ts";
import { createTokenProxy } from "./token-proxy.ts";
import { createVaults } from "./vault.ts";
import { allRights, getRights } from "./vault/access.ts";

/** What is kept in the emulator's directory, so that parts started apart, and at another time, agree. */
export interface Kept {
  readonly authority: CertificateAuthority;
  readonly identities: Identities;
  readonly entraKey: SigningKey;
  /** Signs service account tokens. */
  readonly serviceAccountKey: SigningKey;
}

/** Made at the first call. */
export async function openKept(dir: string): Promise<Kept> {
  return {
    authority: await openAuthority(dir),
    identities: await openIdentities(dir),
    entraKey: await openSigningKey(join(dir, "entra-key.json")),
    serviceAccountKey: await openSigningKey(join(dir, "service-account-key.json")),
  };
}

/** The token service that the other parts rely on. */
export interface Login {
  readonly entra: Entra;
  readonly url: string;
  /** Whether it is also Azure's public one. */
  readonly isPublic: boolean;
  readonly directory: Directory;
  readonly network: Network;
}

/** Azure is far away; a node's own services and its API server are not. */
export const near: Network = { rttMs: 0 };

/** The vaults that exist from the start (host names: hosts.json). */
const vaultNames = ["demo-vault", "other-vault", "third-vault"];

/** All parts, with those who exist from the start. */
export async function createParts(kept: Kept, { entra, url, isPublic, directory, network }: Login): Promise<Parts> {
  const { authority, identities, entraKey } = kept;
  const { clusterId, pluginToken, adminToken } = identities;
  const authorityOf = (host: string): string => (isPublicVault(host) ? `https://${publicLogin}` : url);
  const loginHosts = [new URL(url).host, ...(isPublic ? [publicLogin] : [])];
  const parts: Parts = {
    entra,
    network,
    vaults: createVaults({ entraKey, authorityOf, network }),
    kubernetes: createKubernetes({ plugin: pluginToken, admin: adminToken }),
    tokenProxy: await createTokenProxy({ clusterId, authority, loginHosts, entraKey, directory, network: near }),
    imds: createImds(entra.issue, near),
    nmi: createNmi(entra.issue, near),
  };
  entra.trustIssuer(clusterIssuer, { keys: [kept.serviceAccountKey.publicJwk] });
  register(parts, identities);
  return parts;
}

function register({ entra, vaults }: Parts, { tenantId, demo, admin }: Identities): void {
  for (const app of [demo, admin]) entra.register({ tenantId, ...app });
  for (const name of vaultNames) vaults.create(name, tenantId).allow(admin.objectId, allRights);
  vaults.named("demo-vault").allow(demo.objectId, getRights);
}
