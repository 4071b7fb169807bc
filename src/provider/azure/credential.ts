import type { AccessToken, TokenCredential } from "@azure/identity";
import { assertionSource, secretSource, type EntraMeans } from "./entra-credential.ts";
import type { Identity } from "./identity.ts";
import type { MetadataService } from "./managed-identity.ts";
import { nmiSource } from "./pod-identity.ts";
import { createRenewing, type RenewingTime } from "./renewing.ts";
import type { TokenSource } from "./token-source.ts";

/** How tokens are had. */
export interface CredentialMeans extends EntraMeans, RenewingTime {
  readonly metadata: MetadataService;
  /** Of aad-pod-identity on this node, `http://host:port`. */
  readonly nmiUrl: string;
}

/** The tokens of an identity, one for each scope, kept and renewed. Throws InvalidRequest at once for one that cannot be asked for any; all else when a token is wanted. */
export function createCredential(identity: Identity, means: CredentialMeans): TokenCredential {
  const request = sourceOf(identity, means);
  const tokens = new Map<string, () => Promise<AccessToken>>();

  function tokenFor(scopes: string | string[]): Promise<AccessToken> {
    const key = [scopes].flat().join(" ");
    const token = tokens.get(key) ?? createRenewing(() => request(scopes), means);
    tokens.set(key, token);
    return token();
  }

  return { getToken: (scopes, options) => orAborted(tokenFor(scopes), options?.abortSignal) };
}

function sourceOf(identity: Identity, means: CredentialMeans): TokenSource {
  switch (identity.kind) {
    case "servicePrincipal":
      return secretSource(identity, means);
    case "workload":
    case "binding":
      return assertionSource(identity, means);
    case "managed":
      return means.metadata.sourceOf(identity);
    case "pod":
      return nmiSource(identity, { url: means.nmiUrl, timeoutMs: means.transport.timeoutMs });
  }
}

/** A token that is on its way belongs to the credential; a caller who leaves only stops waiting for it. */
async function orAborted<T>(arriving: Promise<T>, signal: AborterLike | undefined): Promise<T> {
  if (signal === undefined) return arriving;
  const left = Promise.withResolvers<never>();
  const leave = (): void => {
    left.reject(new DOMException("The caller stopped waiting for a token", "AbortError"));
  };
  signal.addEventListener("abort", leave);
  if (signal.aborted) leave();
  try {
    return await Promise.race([arriving, left.promise]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

/** The part of an AbortSignal that the SDK promises. */
interface AborterLike {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}
