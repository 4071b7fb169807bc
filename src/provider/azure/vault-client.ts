import { CertificateClient } from "@azure/keyvault-certificates";
import { KeyClient } from "@azure/keyvault-keys";
import { SecretClient } from "@azure/keyvault-secrets";
import { DriverError } from "../../errors.ts";
import { isJsonObject, memberOf, textAt } from "./json.ts";
import { followPage, pageOptions, readPages } from "./pages.ts";
import { clientOptions, isAborted, networkFault, type Transport } from "./transport.ts";
import { urlOf, vaultRefusal, type RefusedAnswer } from "./vault-refusal.ts";
import { bearer, type VaultToken } from "./vault-token.ts";
import type { VaultAddress } from "./vault-address.ts";
import type { CertificateBundle, KeyBundle, SecretBundle, Vault, VaultQuestion } from "./vault.ts";

/** A vault by the Azure SDK, which knows the protocol: challenge, token, address (azure-provider 2.8, 4.1). */
export function createVaultClient(vault: VaultAddress, token: VaultToken, transport: Transport): Vault {
  const { credential } = token;
  const common = clientOptions(transport);
  const sendToken = { policy: bearer(token), position: "perRetry" as const };
  const additionalPolicies = [...common.additionalPolicies, sendToken, followPage];
  // The version that Azure Stack Hub speaks too. Verification of the challenge stays on: it is the default.
  const options = { ...common, additionalPolicies, serviceVersion: "7.4" } as const;
  const secrets = whenWanted(() => new SecretClient(vault.url, credential, options));
  const keys = whenWanted(() => new KeyClient(vault.url, credential, options));
  const certificates = whenWanted(() => new CertificateClient(vault.url, credential, options));
  const ask = (question: VaultQuestion, signal: AbortSignal, call: SdkCall): Promise<unknown> =>
    exchange({ question, signal, call, timeoutMs: transport.timeoutMs });
  /** The first page of a list; or, by way of the options, another one. */
  const listVersions = (collection: VaultQuestion["collection"], name: string, to: SdkOptions): Promise<unknown> => {
    if (collection === "secrets") return secrets().listPropertiesOfSecretVersions(name, to).byPage().next();
    if (collection === "keys") return keys().listPropertiesOfKeyVersions(name, to).byPage().next();
    return certificates().listPropertiesOfCertificateVersions(name, to).byPage().next();
  };
  return {
    async secret(name, version, signal) {
      const question = { vault, collection: "secrets", name, version } as const;
      return toSecret(await ask(question, signal, (to) => secrets().getSecret(name, { version, ...to })));
    },
    async key(name, version, signal) {
      const question = { vault, collection: "keys", name, version } as const;
      return toKey(await ask(question, signal, (to) => keys().getKey(name, { version, ...to })));
    },
    async certificate(name, version, signal) {
      const question = { vault, collection: "certificates", name, version } as const;
      return toCertificate(
        await ask(question, signal, (to) =>
          version === ""
            ? certificates().getCertificate(name, to)
            : certificates().getCertificateVersion(name, version, to),
        ),
      );
    },
    versions(collection, name, signal) {
      const question = { vault, collection, name, version: "versions" } as const;
      return readPages(vault, (link) =>
        ask(question, signal, (to) => listVersions(collection, name, pageOptions(to, link))),
      );
    },
  };
}

/** Most pods read secrets only, and each client weighs something. */
function whenWanted<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

interface Answer {
  readonly status: number;
  readonly headers: { get(name: string): string | undefined };
  readonly parsedBody?: unknown;
}

interface SdkOptions {
  readonly abortSignal: AbortSignal;
  readonly requestOptions: { readonly timeout: number; readonly headers?: Record<string, string> };
  readonly onResponse: (answer: Answer) => void;
}

type SdkCall = (options: SdkOptions) => Promise<unknown>;

interface Exchange {
  readonly question: VaultQuestion;
  readonly signal: AbortSignal;
  readonly call: SdkCall;
  readonly timeoutMs: number;
}

/**
 * Lets the SDK ask and takes the answer from the wire. The SDK's own results cannot say that an id or a key is missing
 * (it throws on them, with an error that says nothing), and its errors hold text of the body.
 */
async function exchange({ question, signal, call, timeoutMs }: Exchange): Promise<unknown> {
  const answers: Answer[] = [];
  const onResponse = (answer: Answer): void => void answers.push(answer);
  try {
    await call({ abortSignal: signal, requestOptions: { timeout: timeoutMs }, onResponse });
  } catch (error) {
    if (answers.length === 0) throw unanswered(question, signal, timeoutMs, error);
  }
  const answer = answers.pop();
  // The connection remembers the callback of its first request, and what that holds.
  answers.length = 0;
  if (answer?.status !== 200) throw vaultRefusal(question, refusedAnswer(answer), new Date());
  if (isJsonObject(answer.parsedBody)) return answer.parsedBody;
  throw new DriverError(
    "ProviderError",
    `GET ${urlOf(question)}: RESPONSE 200 is no answer of Key Vault: a proxy may stand in between`,
  );
}

function refusedAnswer(answer: Answer | undefined): RefusedAnswer {
  if (answer === undefined) return { status: 0 };
  const { status, parsedBody, headers } = answer;
  return { status, parsedBody, retryAfter: headers.get("retry-after"), date: headers.get("date") };
}

function unanswered({ vault }: VaultQuestion, signal: AbortSignal, timeoutMs: number, cause: unknown): unknown {
  const because = { cause };
  if (signal.aborted && !isTimeout(signal.reason))
    return new DriverError("DeadlineExceeded", `no answer from vault ${vault.name} before the deadline`, because);
  if (cause instanceof DriverError) return cause;
  if (isAborted(cause)) {
    return new DriverError(
      "ProviderUnavailable",
      `no answer from vault ${vault.name} within ${timeoutMs / 1000} s`,
      because,
    );
  }
  const fault = networkFault(new URL(vault.url).host, cause, "check keyvaultName");
  if (fault !== undefined) return new DriverError("ProviderUnavailable", `vault ${vault.name}: ${fault}`, because);
  if (cause instanceof Error && cause.name === "Error") {
    return new DriverError(
      "ProviderError",
      `the challenge of vault ${vault.name} doesn't match the requested domain, so it was sent no token: check keyVaultDNSSuffix of the cloud`,
      because,
    );
  }
  return cause;
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === "TimeoutError";
}

function toSecret(body: unknown): SecretBundle {
  return {
    id: textAt(body, "id"),
    value: textAt(body, "value"),
    contentType: textAt(body, "contentType"),
    keyId: textAt(body, "kid"),
  };
}

function toKey(body: unknown): KeyBundle {
  const key = memberOf(body, "key");
  if (!isJsonObject(key)) return {};
  const [kid, kty, crv] = [textAt(key, "kid"), textAt(key, "kty"), textAt(key, "crv")];
  return { key: { kid, kty, crv, n: textAt(key, "n"), e: textAt(key, "e"), x: textAt(key, "x"), y: textAt(key, "y") } };
}

function toCertificate(body: unknown): CertificateBundle {
  return { id: textAt(body, "id"), cer: textAt(body, "cer") };
}
