import { createHash } from "node:crypto";
import { DriverError } from "../../errors.ts";
import type { ContentRequest, Parameters, PodRef } from "../../model.ts";
import type { Cloud } from "./cloud.ts";
import { withContext } from "./context.ts";
import type { AzureParameters } from "./parameters.ts";
import { parseServiceAccountToken, type ServiceAccountToken } from "./service-account-token.ts";

/** An application that proves itself by a client secret (azure-provider 2.3). */
export interface ServicePrincipal {
  readonly kind: "servicePrincipal";
  readonly cloud: Cloud;
  readonly tenantId: string;
  readonly clientId: string;
  /** Never logged, never part of an error. */
  readonly clientSecret: string;
}

/**
 * An application that trusts the pod's service account, asked of Entra ID itself (workload identity, azure-provider 2.4) or
 * by way of the cluster's token proxy (identity binding, 2.5).
 */
export interface FederatedIdentity {
  readonly kind: "workload" | "binding";
  readonly cloud: Cloud;
  readonly tenantId: string;
  readonly clientId: string;
  readonly token: ServiceAccountToken;
}

/** An identity of the node itself (azure-provider 2.6). */
export interface ManagedIdentity {
  readonly kind: "managed";
  readonly cloud: Cloud;
  /** Empty: the one that the system assigned. */
  readonly clientId: string;
}

/** Whatever aad-pod-identity has bound to the pod (azure-provider 2.7). */
export interface PodIdentity {
  readonly kind: "pod";
  readonly cloud: Cloud;
  readonly pod: PodRef;
}

/** Who asks the vault. */
export type Identity = ServicePrincipal | FederatedIdentity | ManagedIdentity | PodIdentity;

/**
 * What proves the right to read: answers are shared under one key and never across keys (design section 5). Secrets are in
 * it as a hash only; tokens are not, since a new token of the same account proves the same.
 */
export function identityKey(identity: Identity): string {
  const { kind, cloud } = identity;
  const proof = [kind, cloud.authorityHost, cloud.vaultSuffix, ...proofOf(identity)];
  return createHash("sha256").update(JSON.stringify(proof)).digest("hex");
}

function proofOf(identity: Identity): readonly string[] {
  switch (identity.kind) {
    case "servicePrincipal":
      return [identity.tenantId, identity.clientId, identity.clientSecret];
    case "workload":
    case "binding": {
      const { namespace, name } = identity.token.account;
      return [identity.tenantId, identity.clientId, namespace, name];
    }
    case "managed":
      return [identity.clientId];
    case "pod":
      return [identity.cloud.keyVaultEndpoint, identity.pod.uid];
  }
}

/** What a request says about who it is. */
export interface Claim {
  readonly parameters: AzureParameters;
  readonly cloud: Cloud;
  readonly request: Pick<ContentRequest, "volume" | "credentials">;
  readonly now: Date;
}

/** Chooses the identity of a request by azure-provider 2.1; no mode is a substitute for another. Throws InvalidRequest. */
export function chooseIdentity(claim: Claim): Identity {
  const { mode } = claim.parameters;
  return withContext(`failed to build auth config for mode ${mode}: `, () => choices[mode](claim));
}

/** What a mode has no use for, a stray clientID say, is ignored there. */
const choices: Readonly<Record<AzureParameters["mode"], (claim: Claim) => Identity>> = {
  PodIdentity: ({ cloud, request }) => ({ kind: "pod", cloud, pod: request.volume.pod }),
  VMManagedIdentity: ({ cloud, parameters }) => ({
    kind: "managed",
    cloud,
    clientId: parameters.userAssignedIdentityId,
  }),
  AzureTokenProxy: (claim) => {
    if (claim.parameters.clientId === "") throw invalid("clientID is required for identity binding");
    if ((claim.request.credentials.serviceAccountTokens ?? "").trim() === "")
      throw invalid("service account tokens are required for identity binding");
    return withContext("failed to parse service account token for identity binding, error: ", () =>
      federated("binding", claim),
    );
  },
  None: (claim) => {
    if (claim.parameters.clientId === "") return servicePrincipal(claim);
    return withContext("failed to parse workload identity tokens, error: ", () => federated("workload", claim));
  },
};

/** The audience that the CSIDriver object asks kubelet's tokens for. */
const audiences = { workload: "api://AzureADTokenExchange", binding: "api://AKSIdentityBinding" } as const;

function federated(kind: FederatedIdentity["kind"], { parameters, cloud, request, now }: Claim): FederatedIdentity {
  const { tenantId, clientId, serviceAccountName } = parameters;
  const account = { namespace: request.volume.pod.namespace, name: serviceAccountName };
  const { serviceAccountTokens } = request.credentials;
  const token = parseServiceAccountToken(serviceAccountTokens, { account, audience: audiences[kind], now });
  return { kind, cloud, tenantId, clientId, token };
}

/** Keys in any case; values as they are, a trailing newline included. */
function servicePrincipal({ parameters, cloud, request }: Claim): ServicePrincipal {
  const own = ownKeys(request.credentials.secrets);
  const read = (name: string): string => {
    const value = own.find(([key]) => key.toLowerCase() === name)?.[1] ?? "";
    if (value.trim() !== "") return value;
    throw invalid(
      `could not find ${name} in secrets: the Secret that nodePublishSecretRef names needs the keys clientid and clientsecret`,
    );
  };
  const [clientId, clientSecret] = [read("clientid"), read("clientsecret")];
  return { kind: "servicePrincipal", cloud, tenantId: parameters.tenantId, clientId, clientSecret };
}

/** Without what kubelet put there: a map of tokens only is no Secret. */
function ownKeys(secrets: Parameters | undefined): readonly (readonly [string, string])[] {
  const entries = Object.entries(secrets ?? {});
  const own = entries.filter(([key]) => !key.startsWith("csi.storage.k8s.io/"));
  if (secrets === undefined || (own.length === 0 && entries.length > 0))
    throw invalid(
      "failed to get credentials, nodePublishSecretRef secret is not set: set it on the pod's volume, or choose another identity in the SecretProviderClass (clientID, useVMManagedIdentity)",
    );
  return own;
}

function invalid(message: string): DriverError {
  return new DriverError("InvalidRequest", message);
}
