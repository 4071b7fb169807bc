import type { Agent } from "node:https";
import type { PipelinePolicy } from "./policy.ts";
import type { Proxy } from "./proxy.ts";
import { proxyFault } from "./proxy-fault.ts";
import { resendOnReset } from "./resend.ts";
import { isTlsCode, tlsFault } from "./tls-fault.ts";

/** How this process reaches Azure; the same for vaults and for Entra ID. */
export interface Transport {
  /** Keeps connections alive. Being given one, the SDK leaves proxies to it. */
  readonly agent: Agent;
  /** Begins the User-Agent of every request. */
  readonly userAgent: string;
  /** A single HTTP request ends after this. */
  readonly timeoutMs: number;
  /** The one that the agent uses: failures on the way through it are told with its name. */
  readonly proxy?: Proxy | undefined;
}

/** What every SDK client is made with. Nothing is retried in secret but a reset connection, and no answer leads to another address. */
export function clientOptions({ agent, userAgent, proxy }: Transport): {
  agent: Agent;
  retryOptions: { maxRetries: number };
  redirectOptions: { maxRetries: number };
  userAgentOptions: { userAgentPrefix: string };
  additionalPolicies: { policy: PipelinePolicy; position: "perRetry" }[];
} {
  return {
    agent,
    retryOptions: { maxRetries: 0 },
    redirectOptions: { maxRetries: 0 },
    userAgentOptions: { userAgentPrefix: userAgent },
    additionalPolicies: [resendOnReset, ...(proxy ? [markProxied(proxy)] : [])].map((policy) => ({
      policy,
      position: "perRetry",
    })),
  };
}

/** Which failures came through which proxy; the SDK's errors have no place for it. */
const proxied = new WeakMap<Error, Proxy>();

function markProxied(proxy: Proxy): PipelinePolicy {
  return {
    name: "markProxied",
    async sendRequest(request, next) {
      try {
        return await next(request);
      } catch (error) {
        const { hostname, port } = new URL(request.url);
        if (error instanceof Error && proxy.serves(hostname, port || "443")) proxied.set(error, proxy);
        throw error;
      }
    },
  };
}

/** Whether an SDK call ended by a signal: the caller's, or that of the request's own timeout. */
export function isAborted(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

/**
 * One line about a connection that failed: who, how, what to look at. Undefined if the error is no such failure. Only
 * the error's code is told; its message may say anything.
 */
export function networkFault(host: string, error: unknown, nameRemedy: string): string | undefined {
  if (!(error instanceof Error && error.name === "RestError" && "code" in error)) return undefined;
  const code = String(error.code);
  if (!/^[A-Z0-9_]{1,64}$/.test(code)) return undefined;
  const proxy = proxied.get(error);
  if (proxy !== undefined) return proxyFault({ proxy, host, code, message: error.message });
  // Whether the name is right cannot be told from a resolver that does not answer.
  const dnsRemedy = code === "EAI_AGAIN" ? "check the DNS of this node" : nameRemedy;
  if (nameFaults.has(code)) return `${host} does not resolve (${code}): ${dnsRemedy}`;
  if (isTlsCode(code)) return tlsFault(host, code, caRemedy);
  return `${host} ${connectionFaults[code] ?? "does not answer"} (${code}): check the network between this node and it`;
}

const caRemedy = "give this plugin its CA by SSL_CERT_FILE, or that of a proxy which opens TLS";

const nameFaults = new Set(["ENOTFOUND", "EAI_AGAIN", "EAI_NODATA", "EAI_NONAME"]);

const connectionFaults: Readonly<Record<string, string>> = {
  ECONNREFUSED: "refuses connections",
  ECONNRESET: "broke the connection",
  EPIPE: "broke the connection",
  EHOSTUNREACH: "cannot be reached",
  ENETUNREACH: "cannot be reached",
};
