import type { Clock } from "../../src/ports.ts";
import { createAuthorityMetadata } from "../../src/provider/azure/authority-metadata.ts";
import { createAssertions } from "../../src/provider/azure/assertions.ts";
import type { Cloud } from "../../src/provider/azure/cloud.ts";
import type { CredentialMeans } from "../../src/provider/azure/credential.ts";
import { createKeyholders } from "../../src/provider/azure/keyholder.ts";
import { createMetadataService } from "../../src/provider/azure/managed-identity.ts";
import { createTokenProxy, type TokenProxyOptions } from "../../src/provider/azure/token-proxy.ts";
import type { Transport } from "../../src/provider/azure/transport.ts";
import type { VaultsOptions } from "../../src/provider/azure/vaults.ts";

/** Where nobody listens. */
const nowhere = "127.0.0.1:1";

export const nmiNowhere = `http://${nowhere}`;

export const tokenProxyNowhere: TokenProxyOptions = {
  url: new URL(`https://${nowhere}`),
  sniName: "proxy.ests.aks",
  caFile: "/nowhere/ca.crt",
  apiServer: { host: "127.0.0.1", port: 1 },
};

/** The way to Entra ID that is given; nobody else is there to give tokens. */
export function credentialMeans(
  transport: Transport,
  clock: Clock = () => new Date(),
): Omit<CredentialMeans, "assertions"> {
  const metadata = createMetadataService(transport);
  const elapsed = (): number => clock().getTime();
  const authorities = createAuthorityMetadata(elapsed);
  const tokenProxy = createTokenProxy(tokenProxyNowhere);
  return { transport, clock, elapsed, authorities, metadata, nmiUrl: nmiNowhere, tokenProxy };
}

/** The way to vaults and to Entra ID that is given; backoffs are half of their longest. */
export function vaultMeans(transport: Transport): Omit<VaultsOptions, "metrics"> {
  const { clock, elapsed, ...means } = credentialMeans(transport);
  const holderOf = createKeyholders({ ...means, clock, elapsed });
  return { holderOf, requestTimeoutMs: transport.timeoutMs, clock, elapsed, random: () => 0.5 };
}

export function allMeans(transport: Transport, clock: Clock = () => new Date()): CredentialMeans {
  return { ...credentialMeans(transport, clock), assertions: createAssertions(clock) };
}

/** A cloud that a file describes. */
export function customCloud(authorityHost: string, vaultSuffix: string): Cloud {
  return { authorityHost, vaultSuffix, keyVaultEndpoint: `https://${vaultSuffix}/`, custom: true };
}
