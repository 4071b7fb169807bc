import type { PipelinePolicy } from "./policy.ts";

/** An answer to a request for a token that did not bring one. */
export interface TokenRefusal {
  readonly status: number;
  readonly body: string;
}

/** The last exchange that a credential had: an answer, or a failure of the connection. */
export interface Exchange {
  readonly answer?: TokenRefusal;
  readonly fault?: unknown;
}

export interface Witness {
  readonly policy: PipelinePolicy;
  readonly timeoutMs: number;
  last(): Exchange;
}

/**
 * The library's own errors drop what matters (an unreachable host becomes a bare text), so what went over the wire is
 * watched here. The library also offers no other way to end a request.
 */
export function createWitness(timeoutMs: number): Witness {
  let last: Exchange = {};
  return {
    timeoutMs,
    last: () => last,
    policy: {
      name: "tokenWitness",
      async sendRequest(request, next) {
        request.timeout = timeoutMs;
        last = {};
        try {
          const response = await next(request);
          // A body with a token is nobody's to keep.
          const body = response.status < 400 ? "" : (response.bodyAsText ?? "");
          last = { answer: { status: response.status, body } };
          return response;
        } catch (error) {
          last = { fault: error };
          throw error;
        }
      },
    },
  };
}
